//! The steady state: after its first steps, training takes no more memory.
//!
//! The allocator is the one of the `gan` program, over one that counts.

use detach_recipes::{RECIPES, RecipeInfo};
use detach_tensor::{Counting, DType, Device, Recycling, pool_stats};
use detach_tests::training::trainer;

#[global_allocator]
static ALLOCATOR: Recycling<Counting> = Recycling::new(Counting::new());

/// What has been asked of the system: by the pool of buffers, and by all threads in all.
fn asked() -> (u64, u64) {
    let calls = ALLOCATOR.inner().calls();
    (pool_stats(Device::Cpu).system_allocations, calls)
}

/// Steps on, beyond the end of an epoch, and panics when one took memory.
fn check(info: &'static RecipeInfo, digits: usize, batch_size: usize) {
    let mut trainer = trainer(info, digits, batch_size, DType::F32);
    trainer.step();
    trainer.step();
    let after_two = asked();
    for step in 3..=12 {
        trainer.step();
        let now = asked();
        // Formatted only where it failed: a message would be memory, too.
        assert!(
            now == after_two,
            "{} at batch {batch_size}: step {step} asked the pool for {} blocks and the system for {}, \
             the last one of {} bytes",
            info.name(),
            now.0 - after_two.0,
            now.1 - after_two.1,
            ALLOCATOR.inner().last_size()
        );
    }
}

/// One test for all recipes: there is one allocator and one pool for the process.
#[test]
fn no_step_asks_the_system_for_memory_after_step_two() {
    // As the program runs it: by a thread of the pool that computes.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build();
    pool.expect("three threads").install(|| {
        for info in RECIPES {
            check(info, 64, 8);
            // The last batch of an epoch, in step 8, is a short one.
            check(info, 60, 8);
        }
    });
}
