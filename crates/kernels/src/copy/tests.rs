use super::*;
use crate::testing::{
    Dice, assert_close, bits, extent, poisoned, same_bits_on_any_threads, values,
};

fn view<'a>(buffer: &'a Buffer, layout: &Layout) -> View<'a> {
    View {
        buffer,
        layout: *layout,
    }
}

#[test]
fn copies_any_layout_to_any_places() {
    let mut dice = Dice(11);
    for round in 0..150 {
        let shape = dice.shape(5, if round < 100 { 5 } else { 19 });
        let (from, to) = (dice.layout(&shape), dice.part(&shape));
        let x = dice.buffer(DType::F32, &from);
        for variant in [Variant::Reference, Variant::Fast] {
            let mut out = Buffer::full(Device::Cpu, DType::F32, extent(&to) + 3, 7.0);
            copy_with(variant, view(&x, &from), &mut out, &to);
            let what = format!("{variant:?} copy of {from:?} to {to:?}");
            assert_eq!(values(view(&out, &to)), values(view(&x, &from)), "{what}");
            // Values lie below 1, so what is still 7 was left alone.
            let untouched = out.to_vec::<f32>().iter().filter(|v| **v == 7.0).count();
            assert_eq!(untouched, out.len() - to.len(), "{what}: places outside");
        }
    }
}

#[test]
fn images_change_order_and_back() {
    let mut dice = Dice(12);
    for shape in [[2, 3, 28, 28], [3, 64, 7, 7], [1, 17, 33, 9], [2, 1, 5, 5]] {
        let (rows, last) = (Layout::contiguous(&shape), Layout::channels_last(&shape));
        let x = dice.buffer(DType::F32, &rows);
        let mut image = poisoned(DType::F32, x.len());
        copy(view(&x, &rows), &mut image, &last);
        assert_eq!(values(view(&image, &last)), values(view(&x, &rows)));
        let mut back = poisoned(DType::F32, x.len());
        copy(view(&image, &last), &mut back, &rows);
        assert_eq!(bits(&back), bits(&x));
    }
}

#[test]
fn gather_picks_rows() {
    let x = Buffer::from_slice(Device::Cpu, &[0.0, 1.0, 10.0, 11.0, 20.0, 21.0]);
    let layout = Layout::contiguous(&[3, 2]);
    let index = Buffer::from_slice(Device::Cpu, &[2.0, 0.0, 2.0, 1.0]);
    let mut out = poisoned(DType::F64, 8);
    gather(view(&x, &layout), &index, &mut out);
    let expected = [20.0, 21.0, 0.0, 1.0, 20.0, 21.0, 10.0, 11.0];
    assert_eq!(out.to_vec::<f64>(), expected);

    let mut sums = poisoned(DType::F64, 8);
    let layout = Layout::contiguous(&[4, 2]);
    scatter_add(view(&out, &layout), &index, &mut sums, 4);
    let expected = [0.0, 1.0, 10.0, 11.0, 40.0, 42.0, 0.0, 0.0];
    assert_eq!(sums.to_vec::<f64>(), expected);
}

#[test]
fn rows_of_any_layout() {
    let mut dice = Dice(13);
    for round in 0..80 {
        let mut shape = dice.shape(3, if round < 70 { 5 } else { 40 });
        shape.insert(0, 1 + dice.below(9));
        let layout = dice.layout(&shape);
        let x = dice.buffer(DType::F32, &layout);
        let count = dice.below(12);
        let picks: Vec<f32> = (0..count).map(|_| dice.below(shape[0]) as f32).collect();
        let index = Buffer::from_slice(Device::Cpu, &picks);
        let len: usize = shape[1..].iter().product();
        let run = |variant| {
            let mut out = poisoned(DType::F32, count * len);
            gather_with(variant, view(&x, &layout), &index, &mut out);
            out
        };
        let what = format!("rows of {layout:?}");
        let picked = run(Variant::Fast);
        assert_eq!(bits(&picked), bits(&run(Variant::Reference)), "{what}");

        let picks: Vec<f32> = (0..shape[0]).map(|_| dice.below(6) as f32).collect();
        let index = Buffer::from_slice(Device::Cpu, &picks);
        let run = |variant| {
            let mut out = poisoned(DType::F32, 6 * len);
            scatter_add_with(variant, view(&x, &layout), &index, &mut out, 6);
            out.to_vec::<f64>()
        };
        assert_close(&run(Variant::Fast), &run(Variant::Reference), 0.0, &what);
    }
}

#[test]
fn threads_do_not_change_bits() {
    let mut dice = Dice(14);
    let shape = [5, 37, 30, 29];
    let (rows, last) = (Layout::contiguous(&shape), Layout::channels_last(&shape));
    let x = dice.buffer(DType::F32, &rows);
    same_bits_on_any_threads(|| {
        let mut out = poisoned(DType::F32, x.len());
        copy(view(&x, &rows), &mut out, &last);
        out
    });
    let layout = Layout::contiguous(&[500, 300]);
    let x = dice.buffer(DType::F32, &layout);
    let picks: Vec<f32> = (0..500).map(|_| dice.below(200) as f32).collect();
    let index = Buffer::from_slice(Device::Cpu, &picks);
    same_bits_on_any_threads(|| {
        let mut out = poisoned(DType::F32, 200 * 300);
        scatter_add(view(&x, &layout), &index, &mut out, 200);
        out
    });
    same_bits_on_any_threads(|| {
        let mut out = poisoned(DType::F32, 500 * 300);
        gather(view(&x, &layout), &index, &mut out);
        out
    });
}

#[test]
#[should_panic(expected = "gather: index [1] is 3, not an integer in 0..3")]
fn indices_are_in_range() {
    let x = Buffer::from_slice(Device::Cpu, &[0.0f32; 6]);
    let index = Buffer::from_slice(Device::Cpu, &[2.0f32, 3.0]);
    let layout = Layout::contiguous(&[3, 2]);
    gather(view(&x, &layout), &index, &mut poisoned(DType::F32, 4));
}

#[test]
#[should_panic(expected = "scatter_add: index [0] is 0.5")]
fn indices_are_integers() {
    let x = Buffer::from_slice(Device::Cpu, &[0.0f32; 2]);
    let index = Buffer::from_slice(Device::Cpu, &[0.5f32]);
    let layout = Layout::contiguous(&[1, 2]);
    scatter_add(view(&x, &layout), &index, &mut poisoned(DType::F32, 6), 3);
}

#[test]
#[should_panic(expected = "share places")]
fn outputs_do_not_overlap() {
    let x = Buffer::from_slice(Device::Cpu, &[0.0f32; 6]);
    let layout = Layout::contiguous(&[2, 3]);
    let out = Layout::contiguous(&[1, 3]).expand(&[2, 3]);
    copy(view(&x, &layout), &mut poisoned(DType::F32, 6), &out);
}

#[test]
#[should_panic(expected = "copy: operand and output shapes")]
fn shapes_must_agree() {
    let x = Buffer::from_slice(Device::Cpu, &[0.0f32; 6]);
    let layout = Layout::contiguous(&[2, 3]);
    let out = Layout::contiguous(&[3, 2]);
    copy(view(&x, &layout), &mut poisoned(DType::F32, 6), &out);
}

/// Both implementations, against numbers worked out by hand.
#[test]
fn pick_scales_and_resizes() {
    let words = Buffer::from_bytes(Device::Cpu, &[9, 9, 9, 9, 0, 255, 255, 0]);
    let images = Images {
        words: &words,
        shape: [2, 1, 2, 2],
    };
    let index = Buffer::from_slice(Device::Cpu, &[1.0_f32]);
    let rows = Taps::identity(Device::Cpu, 2);
    let columns = Taps::new(
        Device::Cpu,
        2,
        &[([0, 1], 0.0), ([0, 1], 0.25), ([1, 1], 0.5)],
    );
    for variant in [Variant::Reference, Variant::Fast] {
        let mut out = poisoned(DType::F32, 6);
        pick_with(variant, &images, &index, [&rows, &columns], &mut out);
        let expected = [-1.0, -0.5, 1.0, 1.0, 0.5, -1.0];
        assert_eq!(out.to_vec::<f32>(), expected, "{variant:?}");
    }
}

#[test]
fn pick_is_the_same_by_either_implementation_on_any_threads() {
    let mut dice = Dice(77);
    for (shape, to) in [
        ([40, 1, 28, 28], [28, 28]),
        ([40, 1, 28, 28], [64, 64]),
        ([6, 3, 7, 12], [5, 31]),
    ] {
        let len = shape.iter().product();
        let bytes: Vec<u8> = (0..len).map(|_| dice.below(256) as u8).collect();
        let index: Vec<f32> = (0..90).map(|_| dice.below(shape[0]) as f32).collect();
        let (words, index) = (
            Buffer::from_bytes(Device::Cpu, &bytes),
            Buffer::from_slice(Device::Cpu, &index),
        );
        let images = Images {
            words: &words,
            shape,
        };
        let [rows, columns] =
            [0, 1].map(|axis| crate::cases::copy::bilinear(Device::Cpu, shape[2 + axis], to[axis]));
        let run = |variant| {
            let mut out = poisoned(DType::F32, index.len() * shape[1] * to[0] * to[1]);
            pick_with(variant, &images, &index, [&rows, &columns], &mut out);
            out
        };
        same_bits_on_any_threads(|| run(Variant::Fast));
        let [fast, plain] = [Variant::Fast, Variant::Reference].map(|of| bits(&run(of)));
        assert_eq!(fast, plain, "{shape:?} to {to:?}");
    }
}

#[test]
#[should_panic(expected = "index [1] is 2, not an integer in 0..2")]
fn no_image_is_made_up() {
    let index = Buffer::from_slice(Device::Cpu, &[1.0_f32, 2.0]);
    crate::cases::copy::picked(&[0; 8], [2, 1, 2, 2], &index, [2, 2]);
}

#[test]
#[should_panic(expected = "pixels 1 and 2 of 2")]
fn taps_stay_within_an_image() {
    Taps::new(Device::Cpu, 2, &[([1, 2], 0.0)]);
}
