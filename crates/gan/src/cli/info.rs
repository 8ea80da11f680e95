//! `gan info`.

use super::threads;
use detach_tensor::{Conv, Device, GpuInfo, Matmul};

/// `gan info`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Also say which implementations there are, and which form each convolution of the
    /// published networks takes
    #[arg(long)]
    variants: bool,
    #[command(flatten)]
    pub(super) threads: threads::Args,
}

/// What this machine offers.
pub(super) fn run(args: &Args) -> String {
    info(args.variants)
}

fn info(variants: bool) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (device, _) = Device::auto(Matmul::default());
    let mut out = format!(
        "gan {}\ndevice   {device} (auto)\n{}threads  {} of {cores} cores\nsimd     {}, {}\n",
        env!("CARGO_PKG_VERSION"),
        list_gpus(),
        rayon::current_num_threads(),
        detach_tensor::simd_level(),
        match detach_tensor::simd_level().is_fused() {
            true => "fused multiply-adds: the bits of AVX2, AVX-512 and 64-bit ARM",
            false => "products rounded before they are added: last bits of its own",
        },
    );
    if variants {
        out += &explain_variants();
    }
    out
}

/// A line for each GPU, or why there is none.
fn list_gpus() -> String {
    let gpus = match Device::gpus() {
        Ok(gpus) => gpus,
        Err(error) => return format!("gpu      none: {error}\n"),
    };
    let line = |(index, gpu): (usize, &GpuInfo)| {
        format!(
            "gpu      cuda:{index}: {}, compute capability {}.{}, {} multiprocessors, {:.1} GiB\n",
            gpu.name,
            gpu.capability / 10,
            gpu.capability % 10,
            gpu.multiprocessors,
            gpu.memory as f64 / f64::from(1 << 30),
        )
    };
    gpus.iter().enumerate().map(line).collect()
}

/// The implementations of every family of kernels, and the forms of the convolutions.
fn explain_variants() -> String {
    let mut out = "\nimplementations, from the plain loop to the one that runs\n".to_owned();
    for (family, names) in detach_tensor::kernel_families() {
        out += &format!("  {family:<7} {}\n", names.join(" · "));
    }
    out += "\nconvolutions: the form depends on the geometry alone\n";
    let up = |i, o, side| ("ConvTranspose2d", i, o, side, 4, 2, 1);
    let down = |i, o, side| ("Conv2d", i, o, side, 4, 2, 1);
    let networks = [
        (
            "dcgan",
            vec![
                up(256, 128, 7),
                up(128, 64, 14),
                ("Conv2d", 64, 1, 28, 3, 1, 1),
                down(1, 64, 28),
                down(64, 128, 14),
            ],
        ),
        (
            "dcgan-light",
            vec![
                ("ConvTranspose2d", 100, 128, 1, 7, 1, 0),
                up(128, 64, 7),
                up(64, 1, 14),
                ("Conv2d", 128, 1, 7, 7, 1, 0),
            ],
        ),
        (
            "dcgan64",
            vec![
                ("ConvTranspose2d", 100, 512, 1, 4, 1, 0),
                up(512, 256, 4),
                up(64, 3, 32),
                down(3, 64, 64),
                down(256, 512, 8),
                ("Conv2d", 512, 1, 4, 4, 1, 0),
            ],
        ),
    ];
    for (recipe, layers) in networks {
        for (kind, i, o, side, kernel, stride, padding) in layers {
            let x = [64, i, side, side];
            let ([stride_2, padding_2], kernels) = ([[stride; 2], [padding; 2]], [kernel; 2]);
            let [h, w] = kernels;
            let conv = match kind {
                "Conv2d" => Conv::forward(&x, &[o, i, h, w], stride_2, padding_2),
                _ => Conv::transposed(&x, &[i, o, h, w], stride_2, padding_2, [0, 0]),
            };
            let layer = format!("{kind}({i}, {o}, {kernel}, {stride}, {padding})");
            let size = format!("{side}×{side}");
            out += &format!("  {recipe:<12} {layer:<36} {size:>6}  {}\n", conv.form());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_name_every_family_and_form() {
        let text = info(true);
        for word in [
            "gemm",
            "philox",
            "matrixmultiply",
            "Winograd",
            "direct",
            "matrix product",
        ] {
            assert!(text.contains(word), "{word} in\n{text}");
        }
        assert!(!info(false).contains("Winograd"));
    }
}
