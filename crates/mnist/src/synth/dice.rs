//! Random numbers for drawing: a hash of (seed, index), and what follows from it.

/// 2⁶⁴ divided by the golden ratio: the increment of splitmix64.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of splitmix64 (Steele, Lea, Flood, 2014): a bijection that scatters its input.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Random numbers for drawing an image: splitmix64, started from a hash of (seed, index).
///
/// They are made with integers, `+ - × ÷` alone, and are the same on every machine.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The dice of image `index` among those of `seed`.
    pub fn of(seed: u64, index: u64) -> Self {
        let key = mix(seed.wrapping_add(GOLDEN));
        Self {
            state: mix(key.wrapping_add(index.wrapping_mul(GOLDEN))),
        }
    }

    fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// Uniform in `0..bound`. The bias is below 2⁻³², and nobody trains on it.
    pub fn below(&mut self, bound: u32) -> u32 {
        (((self.bits() >> 32) * u64::from(bound)) >> 32) as u32
    }

    /// Uniform in `[low, high)`.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        let unit = (self.bits() >> 40) as f32 / (1u32 << 24) as f32;
        low + (high - low) * unit
    }

    /// Mean 0, deviation 1, bell-shaped and never beyond ±3.47: the sum of four uniform numbers.
    pub fn bell(&mut self) -> f32 {
        let bits = self.bits();
        let sum: u64 = (0..4).map(|part| (bits >> (16 * part)) & 0xffff).sum();
        // Each part has mean 32767.5 and variance 2³²/12.
        (sum as f32 - 131_070.0) / 37_837.23
    }
}
