//! A GPU where there is no driver to ask: none can be had, which the types say.

use super::info::GpuInfo;
use super::params::{Arg, Launch, Module};
use super::ptr::{Home, Ptr};
use crate::arena::{PoolStats, Span};
use crate::error::DeviceError;

/// A GPU in use: never.
pub(crate) enum Gpu {}

/// Captured kernels: none.
pub(crate) enum Captured {}

/// There is none.
pub(crate) fn open(_: usize) -> Result<&'static Gpu, DeviceError> {
    Err(DeviceError::NoDriver)
}

/// Functions of a type that has no values.
macro_rules! never {
    ($($name:ident $(<$($g:ident $(: $bound:path)?),+>)? ($($arg:ty),*) $(-> $out:ty)?;)+) => {$(
        pub(crate) fn $name $(<$($g $(: $bound)?),+>)? (&self, $(_: $arg),*) $(-> $out)? {
            match *self {}
        }
    )+};
}

impl Gpu {
    never! {
        info() -> &GpuInfo;
        take(usize) -> (Span, Home);
        give(Span, Home);
        pool_stats() -> PoolStats;
        open_home() -> Home;
        close_home(Home);
        upload<T: bytemuck::Pod>(Ptr, &[T]);
        download<T: bytemuck::Pod>(Ptr, &mut [T]);
        fill(Ptr, u32, usize);
        synchronize();
        launched() -> Vec<&'static str>;
    }

    pub(crate) fn at_home<R>(&self, _: Home, _: impl FnOnce() -> R) -> R {
        match *self {}
    }

    /// # Safety
    /// It is never called.
    #[allow(unsafe_code)]
    pub(super) unsafe fn launch(&self, _: &Module, _: &'static str, _: Launch, _: &[Arg<'_>]) {
        match *self {}
    }
}

impl Captured {
    never! { run(); }

    pub(crate) fn of<R>(gpu: &'static Gpu, _: impl FnOnce() -> R) -> (Self, R) {
        match *gpu {}
    }
}
