//! The record of a run: `metrics.jsonl` and TensorBoard events.

use crate::picture::Image;
use crate::recipes::Report;
use crate::run::{Metrics, Run};
use crate::tensorboard::EventWriter;
use anyhow::{Context, Result, ensure};
use detach_tensor::Device;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Writes what a run measures.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    events: EventWriter,
    /// Training time and real images since the last line.
    time: Duration,
    images: usize,
    steps: u32,
}

impl Log {
    /// Appends to the run's files, which describe the first `step` steps.
    ///
    /// # Errors
    /// When a file cannot be opened or written.
    pub fn open(run: &Run, step: u64) -> Result<Self> {
        run.trim_metrics(step)?;
        let path = run.metrics();
        let file = File::options().create(true).append(true).open(&path);
        Ok(Self {
            file: file.with_context(|| cannot_write(&path))?,
            path,
            events: EventWriter::create(run.dir(), step + 1)?,
            time: Duration::ZERO,
            images: 0,
            steps: 0,
        })
    }

    /// A step took `time`.
    pub fn took(&mut self, report: &Report, time: Duration) {
        self.time += time;
        self.images += report.on_real.shape()[0];
        self.steps += 1;
    }

    /// Waits for the steps that `device` has still to do, which is training time.
    pub fn wait(&mut self, device: Device) {
        let begun = Instant::now();
        device.synchronize();
        self.time += begun.elapsed();
    }

    /// Reads the report's numbers and writes a line.
    ///
    /// # Errors
    /// When a loss is not a number any more, or the line cannot be written.
    pub fn line(&mut self, report: &Report, step: u64, per_epoch: u64) -> Result<Metrics> {
        self.wait(report.fake.kind().device);
        let seconds = self.time.as_secs_f64().max(1e-9);
        let metrics = Metrics {
            step,
            epoch: step as f64 / per_epoch as f64,
            d_loss: report.d_loss.item(),
            g_loss: report.g_loss.item(),
            real_acc: report.real_acc(),
            fake_acc: report.fake_acc(),
            step_ms: 1e3 * seconds / f64::from(self.steps.max(1)),
            images_per_s: self.images as f64 / seconds,
        };
        check_finite(report, step)?;
        self.append(&metrics)?;
        for (tag, value) in [
            ("loss/d", metrics.d_loss),
            ("loss/g", metrics.g_loss),
            ("accuracy/real", metrics.real_acc),
            ("accuracy/fake", metrics.fake_acc),
            ("speed/step_ms", metrics.step_ms),
            ("speed/images_per_s", metrics.images_per_s),
        ] {
            self.events.scalar(tag, step, value)?;
        }
        self.events.flush()?;
        (self.time, self.images, self.steps) = (Duration::ZERO, 0, 0);
        Ok(metrics)
    }

    /// A whole line or nothing: a disk that fills up leaves no half of one.
    fn append(&mut self, metrics: &Metrics) -> Result<()> {
        let mut line = serde_json::to_vec(metrics).context("metrics as JSON")?;
        line.push(b'\n');
        let length = self.file.metadata().map(|meta| meta.len());
        let written = self.file.write_all(&line);
        if let (Err(_), Ok(length)) = (&written, length) {
            // The error that matters is the one below.
            let _ = self.file.set_len(length);
        }
        written.with_context(|| cannot_write(&self.path))
    }

    /// Shows a picture in TensorBoard.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn picture(&mut self, step: u64, image: &Image) -> Result<()> {
        let png = image.to_png();
        self.events
            .image("samples", step, &png, image.width(), image.height())?;
        Ok(())
    }
}

/// Refuses to go on where a loss is not a number any more.
///
/// # Errors
/// When one is not.
pub fn check_finite(report: &Report, step: u64) -> Result<()> {
    let (d, g) = (report.d_loss.item(), report.g_loss.item());
    ensure!(
        d.is_finite() && g.is_finite(),
        "training diverged: at step {step} D's loss is {d} and G's {g}; \
         start a new run with a smaller learning rate (--set lr=…)"
    );
    Ok(())
}

fn cannot_write(path: &std::path::Path) -> String {
    format!(
        "cannot write {}; is the disk full, or the folder read-only?",
        path.display()
    )
}
