//! What the module exports under C's rules, which JavaScript knows.
#![allow(
    unsafe_code,
    reason = "a name that is not mangled is an unsafe attribute"
)]

use crate::weights_after;
use detach_recipes::RECIPES;

/// How many recipes there are.
#[unsafe(no_mangle)]
extern "C" fn detach_recipes() -> u32 {
    RECIPES.len() as u32
}

/// [`weights_after`].
#[unsafe(no_mangle)]
extern "C" fn detach_weights_after(recipe: u32, steps: u32) -> u64 {
    weights_after(recipe as usize, steps)
}
