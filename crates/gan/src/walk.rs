//! Walks through the latent space, and how smooth they are.

use crate::generator::{Classes, Draws, PIECE};
use detach_nn::Mode;
use detach_tensor::{Array, Tensor, grad};
use std::ops::Range;

/// How a walk goes from one point to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Path {
    /// Straight on: (1 − α)·a + α·b. Normal noise of d dimensions lies about √d from 0, and a straight line between two
    /// such points passes much closer to it, where a generator was never asked.
    #[default]
    Line,
    /// Along a great circle, the norms from one to the other (Shoemake's slerp; White, arXiv:1609.04468).
    Sphere,
}

impl Path {
    /// The point `alpha` of the way from `a` to `b`.
    fn between(self, a: &[f64], b: &[f64], alpha: f64) -> Vec<f64> {
        let mix = |[p, q]: [f64; 2]| -> Vec<f64> {
            a.iter().zip(b).map(|(a, b)| p * a + q * b).collect()
        };
        let [of_a, of_b] = [a, b].map(norm);
        let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        let angle = (dot / (of_a * of_b)).clamp(-1.0, 1.0).acos();
        // Of points in one direction, or in opposite ones, no circle is the one.
        if self == Self::Line || !(1e-6..std::f64::consts::PI - 1e-6).contains(&angle) {
            return mix([1.0 - alpha, alpha]);
        }
        let radius = of_a + alpha * (of_b - of_a);
        let part = |alpha: f64, of: f64| radius * (alpha * angle).sin() / (angle.sin() * of);
        mix([part(1.0 - alpha, of_a), part(alpha, of_b)])
    }
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Points of the latent space on the way between others: from one to the next, or in a square of four corners.
#[derive(Clone, Debug)]
pub struct Walk {
    corners: Tensor,
    frames: usize,
    square: bool,
    path: Path,
}

impl Walk {
    /// `frames` points from the first of `corners` `[N, latent]` to the second, both ends included.
    ///
    /// # Panics
    /// When there are fewer than two frames or corners.
    #[track_caller]
    pub fn line(corners: Tensor, frames: usize) -> Self {
        assert!(frames > 1 && corners.shape()[0] > 1, "a walk has two ends");
        Self {
            corners,
            frames,
            square: false,
            path: Path::Line,
        }
    }

    /// `frames` × `frames` points between four corners `[4, latent]`, row by row.
    ///
    /// # Panics
    /// When there are fewer than two frames or four corners.
    #[track_caller]
    pub fn square(corners: Tensor, frames: usize) -> Self {
        assert!(frames > 1 && corners.shape()[0] > 3, "a square has corners");
        Self {
            corners,
            frames,
            square: true,
            path: Path::Line,
        }
    }

    /// The same corners on another path.
    #[must_use]
    pub fn along(self, path: Path) -> Self {
        Self { path, ..self }
    }

    /// How many points it has.
    pub fn len(&self) -> usize {
        match self.square {
            true => self.frames * self.frames,
            false => self.frames,
        }
    }

    /// Whether it has no points, which no walk has.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of the points that are generated at once.
    pub fn pieces(&self) -> impl DoubleEndedIterator<Item = Range<usize>> {
        let len = self.len();
        let starts = (0..len).step_by(PIECE);
        starts.map(move |start| start..(start + PIECE).min(len))
    }

    /// The points of these numbers, `[n, latent]`.
    pub fn points(&self, numbers: Range<usize>) -> Tensor {
        let latent = self.corners.shape()[1];
        let shape = [numbers.len(), latent];
        let points: Vec<f64> = numbers.flat_map(|number| self.point(number)).collect();
        Tensor::constant(Array::from_f64(&points, &shape, self.corners.kind()))
    }

    fn point(&self, number: usize) -> Vec<f64> {
        let corner = |i| self.corners.slice(0, i, 1).to_vec::<f64>();
        let between = |a: &[f64], b: &[f64], i: usize| {
            let alpha = i as f64 / (self.frames - 1) as f64;
            self.path.between(a, b, alpha)
        };
        if !self.square {
            return between(&corner(0), &corner(1), number);
        }
        let (row, column) = (number / self.frames, number % self.frames);
        let left = between(&corner(0), &corner(2), row);
        let right = between(&corner(1), &corner(3), row);
        between(&left, &right, column)
    }

    /// The norm of each point.
    pub fn norms(&self) -> Vec<f64> {
        (0..self.len())
            .map(|number| norm(&self.point(number)))
            .collect()
    }

    /// How fast what `draws` makes changes on the way from each point to the next: ‖∂G/∂z·dz‖ / √(numbers of a sample), so
    /// the change of a pixel, as its root mean square, where a pixel lies in [-1, 1]. In eval mode, of one class where there
    /// are classes. Of a square, along its first row.
    ///
    /// ∂G/∂z·dz is made of two backward passes: g(u) = ∂⟨u, G(z)⟩/∂z is linear in u, and so ∂⟨g(u), dz⟩/∂u is the product.
    pub fn speeds(&self, draws: Draws<'_>, classes: &Classes) -> Vec<f64> {
        let starts: Vec<usize> = (0..self.frames - 1).collect();
        starts
            .chunks(PIECE)
            .flat_map(|numbers| self.speeds_of(numbers, draws, classes))
            .collect()
    }

    fn speeds_of(&self, numbers: &[usize], draws: Draws<'_>, classes: &Classes) -> Vec<f64> {
        let all = |ahead: usize| {
            let points = numbers.iter().map(|number| {
                let number = number + ahead;
                self.points(number..number + 1)
            });
            Tensor::concat(&points.collect::<Vec<_>>().iter().collect::<Vec<_>>(), 0)
        };
        let (from, to) = (all(0), all(1));
        let way = &to - &from;
        let z = Tensor::variable(from.value().clone());
        let made = draws.sample(&z, (classes, numbers[0]), Mode::eval());
        let u = Tensor::variable(made.full_like(0.0).value().clone());
        let back = &grad(&(&u * &made).sum(), &[&z], true)[0];
        let change = &grad(&(back * &way).sum(), &[&u], false)[0];
        let each = made.len() / numbers.len();
        let change = change.to_vec::<f64>();
        let speed = |of_one: &[f64]| norm(of_one) / (each as f64).sqrt();
        change.chunks_exact(each).map(speed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corners(values: &[f32], shape: [usize; 2]) -> Tensor {
        Tensor::constant(Array::from_slice(values, &shape))
    }

    #[test]
    fn walks_reach_their_ends() {
        let corners = corners(&[0.0, 1.0, 10.0, 11.0], [4, 1]);
        let square = Walk::square(corners.clone(), 3);
        let points = square.points(0..square.len()).to_vec::<f32>();
        assert_eq!(points, [0.0, 0.5, 1.0, 5.0, 5.5, 6.0, 10.0, 10.5, 11.0]);
        assert_eq!(square.points(4..6).to_vec::<f32>(), [5.5, 6.0]);
        let line = Walk::line(corners, 5);
        assert_eq!(
            line.points(0..line.len()).to_vec::<f32>(),
            [0.0, 0.25, 0.5, 0.75, 1.0]
        );
    }

    #[test]
    fn a_circle_keeps_the_norm_that_a_line_loses() {
        let ends = || corners(&[3.0, 0.0, 0.0, 5.0], [2, 2]);
        let near = |a: &[f64], b: &[f64]| {
            assert!(
                a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6),
                "{a:?} {b:?}"
            );
        };
        let middle = 34_f64.sqrt() / 2.0;
        near(&Walk::line(ends(), 3).norms(), &[3.0, middle, 5.0]);
        let arc = Walk::line(ends(), 3).along(Path::Sphere);
        near(&arc.norms(), &[3.0, 4.0, 5.0]);
        let half = 4.0 / 2_f64.sqrt();
        near(&arc.points(1..2).to_vec::<f64>(), &[half, half]);
        // Opposite points have no circle of their own.
        let opposite = Walk::line(corners(&[1.0, 0.0, -1.0, 0.0], [2, 2]), 3).along(Path::Sphere);
        near(&opposite.norms(), &[1.0, 0.0, 1.0]);
    }
}
