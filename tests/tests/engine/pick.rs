//! Batches picked out of bytes have the bits of batches that the host makes.

use detach_data::Resize;
use detach_mnist::{Dataset, Split, sample};
use detach_tensor::{Array, Device, ImageBytes, Taps};

#[test]
fn picked_images_have_the_bits_of_the_hosts() {
    let dataset = Dataset::synthetic(4, Split::Train, 30);
    let images = ImageBytes::new(&dataset.images, [30, 1, 28, 28], Device::Cpu);
    let chosen = [7_u16, 29, 0, 7, 13];
    let indices = Array::from_slice(&chosen.map(f32::from), &[chosen.len()]);
    let mut scaled = vec![0.0; chosen.len() * 784];
    for (image, out) in chosen.iter().zip(scaled.chunks_exact_mut(784)) {
        let from = usize::from(*image) * 784;
        sample::normalise(&dataset.images[from..from + 784], out);
    }
    for side in [28, 64, 17] {
        let mut resize = Resize::new(28, side);
        let taps = match side {
            28 => Taps::identity(Device::Cpu, 28),
            _ => {
                let taps = resize.taps().iter().map(|tap| (tap.source, tap.weight));
                Taps::new(Device::Cpu, 28, &taps.collect::<Vec<_>>())
            }
        };
        let picked = images.pick(&indices, [&taps, &taps]);
        assert_eq!(picked.shape(), [chosen.len(), 1, side, side]);
        let mut expected = Vec::new();
        match side {
            28 => expected.clone_from(&scaled),
            _ => resize.all(&scaled, &mut expected),
        }
        let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert!(
            bits(&picked.to_vec::<f32>()) == bits(&expected),
            "{side} pixels"
        );
    }
}
