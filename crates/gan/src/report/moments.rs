//! Moments of a run: samples of fixed noise at steps ⌈1.25ᵏ⌉, so that there are as many of the first hundred steps as of
//! any hundredfold, kept in the run's folder `moments/` as `step-….png`. Pictures that a recipe takes are of other noise, or come when most has
//! happened.

use super::sheet::{ROWS, columns_of, smallest};
use crate::run::Run;
use anyhow::Result;
use detach_recipes::session::sample;
use detach_recipes::{At, Detail, End, Flow, Observer};

/// Keeps the moments of a run that makes images. Its samples draw from the stream that training never draws from.
pub struct Moments<'a> {
    run: &'a Run,
    drawn: Option<u64>,
}

impl<'a> Moments<'a> {
    /// Keeps those of `run`.
    pub fn new(run: &'a Run) -> Self {
        Self { run, drawn: None }
    }

    fn draw(&mut self, at: At<'_>) -> Result<()> {
        let trainer = at.trainer;
        let pictures = &trainer.setup().settings.pictures;
        let input = trainer.recipe().sampler().input();
        let columns = columns_of(input.classes());
        if input.latent().is_none() || trainer.setup().data()?[0].shape(1).len() != 4 {
            return Ok(());
        }
        let samples = sample(trainer, 0, ROWS * columns, pictures.mode);
        let folder = self.run.moments();
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(format!("step-{:08}.png", at.step()));
        smallest(&samples, columns, pictures.scaling).save_png(&path)?;
        self.drawn = Some(at.step());
        Ok(())
    }
}

impl Observer for Moments<'_> {
    fn step(&mut self, at: At<'_>) -> Result<Flow> {
        if Detail::is_due(at.step()) {
            self.draw(at)?;
        }
        Ok(Flow::Continue)
    }

    fn end(&mut self, at: At<'_>, _: End) -> Result<()> {
        match self.drawn == Some(at.step()) {
            true => Ok(()),
            false => self.draw(at),
        }
    }
}
