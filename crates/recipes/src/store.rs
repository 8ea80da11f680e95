//! Where the images of a data set are, and the batches that were chosen of them.

use crate::batch::Batch;
use crate::samples::ImageSize;
use detach_data::{Dataset, Resize, sample};
use detach_tensor::{Array, DType, ImageBytes, Kind, Taps as DeviceTaps, Tensor};

/// Images, and the batches that were chosen for a step.
pub(crate) enum Store {
    /// In the host's memory. A batch is unpacked where it is chosen.
    Host(Host),
    /// In a GPU's memory, as bytes. A batch is picked there, by indices, and brought to size.
    Device(OnDevice),
    /// Nowhere as a whole, since there is no end of them, and batches are wanted by a GPU. A batch is unpacked in the
    /// host's memory where it is chosen, and sent.
    Sent(Sent),
}

pub(crate) struct Host {
    unpacker: Unpacker,
    kind: Kind,
    /// The batches that were chosen, one after the other.
    chosen: Vec<Unpacked>,
}

/// A batch as numbers.
#[derive(Default)]
struct Unpacked {
    /// `[N, C, side, side]`.
    pixels: Vec<f32>,
    labels: Vec<f32>,
}

/// A data set, and room to bring its images to size.
struct Unpacker {
    dataset: Box<dyn Dataset>,
    side: usize,
    bytes: Vec<u8>,
    /// What brings an image to size, and room for it as it was; `None` where it is shown as it is.
    resize: Option<(Resize, Vec<f32>)>,
}

pub(crate) struct OnDevice {
    images: ImageBytes,
    taps: DeviceTaps,
    /// `[images]`.
    labels: Tensor,
    /// Element type of batches.
    dtype: DType,
    /// The indices of each batch of a step, one array for each length of a batch: what a captured
    /// step reads.
    chosen: Vec<Vec<Array>>,
    /// Which of these is prepared.
    current: Vec<usize>,
    indices: Vec<f32>,
}

pub(crate) struct Sent {
    unpacker: Unpacker,
    unpacked: Unpacked,
    /// Element type of batches.
    dtype: DType,
    /// Type and device of what is sent.
    kind: Kind,
    /// Each batch of a step, one for each length of it: what a captured step reads.
    chosen: Vec<Vec<[Array; 2]>>,
    /// Which of these is prepared.
    current: Vec<usize>,
}

impl Store {
    /// The images of `dataset` as squares of `side` pixels, in the memory of the kind's device.
    pub(crate) fn new(dataset: Box<dyn Dataset>, side: usize, kind: Kind) -> Self {
        let from = dataset.shape()[1];
        let unpacker = Unpacker {
            bytes: vec![0; dataset.shape().iter().product()],
            resize: (from != side).then(|| (Resize::new(from, side), Vec::new())),
            side,
            dataset,
        };
        match kind.device.gpu() {
            None => Self::Host(Host {
                unpacker,
                kind,
                chosen: Vec::new(),
            }),
            Some(_) if unpacker.dataset.is_endless() => Self::Sent(Sent::new(unpacker, kind)),
            Some(_) => Self::Device(OnDevice::new(&unpacker, kind)),
        }
    }

    /// The images at `indices` become the `batch`th batch of the step.
    pub(crate) fn choose(&mut self, batch: usize, indices: &[u32]) {
        match self {
            Self::Host(host) => host.choose(batch, indices),
            Self::Device(device) => device.choose(batch, indices),
            Self::Sent(sent) => sent.choose(batch, indices),
        }
    }

    /// The `batch`th batch of the step, in as many channels as `size` has.
    pub(crate) fn batch(&self, batch: usize, size: ImageSize) -> Batch {
        match self {
            Self::Host(host) => host.batch(batch, size),
            Self::Device(device) => device.batch(batch, size),
            Self::Sent(sent) => sent.batch(batch, size),
        }
    }
}

/// One channel as all of them.
fn in_channels(images: &Tensor, size: ImageSize) -> Tensor {
    let &[n, _, height, width] = images.shape() else {
        unreachable!("images have four dimensions");
    };
    images.expand(&[n, size.channels, height, width])
}

impl Unpacker {
    fn channels(&self) -> usize {
        self.dataset.shape()[0]
    }

    /// Writes the images of these indices and their labels into `out`.
    fn unpack(&mut self, indices: impl ExactSizeIterator<Item = usize>, out: &mut Unpacked) {
        let count = indices.len();
        let pixels = self.bytes.len();
        let as_read = match &mut self.resize {
            Some((_, small)) => small,
            None => &mut out.pixels,
        };
        as_read.resize(count * pixels, 0.0);
        out.labels.clear();
        for (values, index) in as_read.chunks_exact_mut(pixels).zip(indices) {
            let label = self.dataset.read(index, &mut self.bytes);
            out.labels.push(label as f32);
            sample::normalise(&self.bytes, values);
        }
        if let Some((resize, small)) = &mut self.resize {
            // A channel is an image of its own here.
            resize.all(small, &mut out.pixels);
        }
    }
}

impl Host {
    fn choose(&mut self, batch: usize, indices: &[u32]) {
        if self.chosen.len() == batch {
            self.chosen.push(Unpacked::default());
        }
        let indices = indices.iter().map(|i| *i as usize);
        self.unpacker.unpack(indices, &mut self.chosen[batch]);
    }

    fn batch(&self, batch: usize, size: ImageSize) -> Batch {
        let Unpacked { pixels, labels } = &self.chosen[batch];
        let (channels, side) = (self.unpacker.channels(), self.unpacker.side);
        let shape = [labels.len(), channels, side, side];
        let array = Array::from_slice(pixels, &shape).to_dtype(self.kind.dtype);
        let images = in_channels(&Tensor::constant(array), size);
        match self.unpacker.dataset.classes() {
            0 => Batch::of(images),
            _ => Batch::labelled(images, labels.clone()),
        }
    }
}

impl OnDevice {
    /// All images as the bytes that they are, and their labels.
    fn new(unpacker: &Unpacker, kind: Kind) -> Self {
        let Unpacker {
            dataset, resize, ..
        } = unpacker;
        let [channels, height, width] = dataset.shape();
        let (len, pixels) = (dataset.len(), channels * height * width);
        let (mut bytes, mut labels) = (vec![0; len * pixels], Vec::with_capacity(len));
        for (index, image) in bytes.chunks_exact_mut(pixels).enumerate() {
            labels.push(dataset.read(index, image) as f32);
        }
        let narrow = Kind {
            dtype: DType::F32,
            ..kind
        };
        let taps = match resize {
            Some((resize, _)) => {
                let taps: Vec<_> = resize.taps().iter().map(|t| (t.source, t.weight)).collect();
                DeviceTaps::new(kind.device, height, &taps)
            }
            None => DeviceTaps::identity(kind.device, height),
        };
        Self {
            images: ImageBytes::new(&bytes, [len, channels, height, width], kind.device),
            taps,
            labels: Tensor::constant(Array::from_slice(&labels, &[len]).to_kind(narrow)),
            dtype: kind.dtype,
            chosen: Vec::new(),
            current: Vec::new(),
            indices: Vec::new(),
        }
    }

    fn choose(&mut self, batch: usize, chosen: &[u32]) {
        if self.chosen.len() == batch {
            self.chosen.push(Vec::new());
            self.current.push(0);
        }
        let arrays = &mut self.chosen[batch];
        let of_length = |array: &Array| array.len() == chosen.len();
        let current = arrays.iter().position(of_length).unwrap_or(arrays.len());
        if current == arrays.len() {
            arrays.push(Array::zeros(&[chosen.len()], self.labels.kind()));
        }
        self.current[batch] = current;
        // Whole numbers up to 2²⁴ are exact.
        self.indices.clear();
        self.indices
            .extend(chosen.iter().map(|index| *index as f32));
        let values = &self.indices;
        arrays[current].write("the next batch", |buffer| buffer.write(values));
    }

    fn batch(&self, batch: usize, size: ImageSize) -> Batch {
        let chosen = &self.chosen[batch][self.current[batch]];
        let images = self.images.pick(chosen, [&self.taps, &self.taps]);
        let images = Tensor::constant(images.to_dtype(self.dtype));
        let chosen = Tensor::constant(chosen.clone());
        Batch::picked(in_channels(&images, size), self.labels.clone(), chosen)
    }
}

impl Sent {
    fn new(unpacker: Unpacker, kind: Kind) -> Self {
        let narrow = Kind {
            dtype: DType::F32,
            ..kind
        };
        Self {
            unpacker,
            unpacked: Unpacked::default(),
            dtype: kind.dtype,
            kind: narrow,
            chosen: Vec::new(),
            current: Vec::new(),
        }
    }

    fn choose(&mut self, batch: usize, indices: &[u32]) {
        if self.chosen.len() == batch {
            self.chosen.push(Vec::new());
            self.current.push(0);
        }
        let count = indices.len();
        let indices = indices.iter().map(|index| *index as usize);
        self.unpacker.unpack(indices, &mut self.unpacked);
        let arrays = &mut self.chosen[batch];
        let of_length = |[_, labels]: &[Array; 2]| labels.len() == count;
        let current = arrays.iter().position(of_length).unwrap_or(arrays.len());
        if current == arrays.len() {
            let (channels, side) = (self.unpacker.channels(), self.unpacker.side);
            let images = Array::zeros(&[count, channels, side, side], self.kind);
            arrays.push([images, Array::zeros(&[count], self.kind)]);
        }
        self.current[batch] = current;
        let [images, labels] = &mut arrays[current];
        let Unpacked {
            pixels,
            labels: classes,
        } = &self.unpacked;
        images.write("the next batch", |buffer| buffer.write(pixels));
        labels.write("the next batch", |buffer| buffer.write(classes));
    }

    fn batch(&self, batch: usize, size: ImageSize) -> Batch {
        let [images, labels] = &self.chosen[batch][self.current[batch]];
        let images = in_channels(&Tensor::constant(images.to_dtype(self.dtype)), size);
        match self.unpacker.dataset.classes() {
            0 => Batch::of(images),
            _ => Batch::sent(images, Tensor::constant(labels.clone())),
        }
    }
}
