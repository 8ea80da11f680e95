//! Each number of the table, in the range that its answer claims.

use super::*;

#[track_caller]
fn near(value: f64, expected: f64, by: f64) {
    assert!(
        (value - expected).abs() < by,
        "{value}, expected {expected}"
    );
}

#[test]
fn detach_saves_a_walk_and_changes_no_weight() {
    let [detached, without] = walks_of_d();
    assert!(without > detached + 20, "{detached} {without}");
}

#[test]
fn where_gradients_add_up_g_goes_where_d_wants() {
    near(pulled_apart(), -0.985, 0.005);
}

#[test]
fn freezing_d_leaves_out_what_nobody_reads() {
    let [frozen, all] = walks_of_g();
    assert!(frozen < all, "{frozen} {all}");
}

#[test]
fn what_is_not_zeroed_piles_up() {
    assert!(piled_up() > 2.0, "{}", piled_up());
}

#[test]
fn a_graph_is_walked_as_often_as_wanted() {
    assert_eq!(twice(), 0.0);
}

#[test]
fn a_sample_leaves_its_graph_behind() {
    let [before, after] = recorded();
    assert!(before > 6 && after == 0, "{before} {after}");
}

#[test]
fn gs_turn_moves_no_weight_of_d() {
    assert_eq!(moved_by_g(), 0.0);
}

#[test]
fn a_dead_d_has_the_loss_of_an_undecided_one() {
    let [loss, norm] = dead();
    near(loss, 2.0_f64.ln(), 1e-12);
    assert_eq!(norm, 0.0);
}

#[test]
fn running_statistics_lag() {
    near(caught_up(10), 1.0 - 0.9_f64.powi(10), 1e-9);
    assert!(caught_up(100) > 0.999);
}

#[test]
fn a_penalty_without_a_graph_teaches_nothing() {
    let [with, without] = second_order();
    near(with, 80.0, 1e-9);
    assert_eq!(without, 0.0);
}

#[test]
fn with_g_first_the_way_back_is_overwritten() {
    assert_eq!(overwritten(), 2);
}

#[test]
fn the_saturating_loss_lets_go_of_a_sure_d() {
    let [saturating, other] = pulls(-5.0);
    near(other / saturating, 5.0_f64.exp(), 1e-6);
}

#[test]
fn the_same_loss_is_of_bad_and_of_good_samples() {
    let [first, last] = losses_and_distance();
    near(first[0], last[0], 0.05);
    assert!(first[1] > 20.0 * last[1], "{first:?} {last:?}");
}

#[test]
fn batch_norm_sees_the_rest_of_the_batch() {
    let [with, without] = one_batch_or_two();
    assert!(with > 0.3 && without == 0.0, "{with} {without}");
}

#[test]
fn a_smoothed_label_of_fakes_holds_them_where_they_are() {
    near(best_answer(0.01, 0.9, 0.0), 0.009, 1e-4);
    near(best_answer(0.01, 0.9, 0.1), 0.108, 1e-4);
}

#[test]
fn a_critics_loss_is_a_distance_with_its_sign_turned() {
    near(critic_loss(5.0), -5.0 - 25.0 / 40.0, 1e-6);
}
