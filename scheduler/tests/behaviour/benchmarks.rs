//! What a benchmark changes before anything was measured, as transcripts.

use crate::transcript::{play, with_small};

#[test]
fn browsers_are_ranked_by_their_benchmarks() {
    play(&with_small(
        "0 | join n1 browser SMALL |
         0 | join n2 browser SMALL |
         0 | join n3 browser SMALL |
         0 | benchmark n1 1e9      |
         0 | benchmark n3 1e10     |
         0 | ask p1 SMALL          | p1 to n3 with SMALL
         0 | ask p2 SMALL          | p2 to n2 with SMALL
         0 | ask p3 SMALL          | p3 to n1 with SMALL",
    ));
}

#[test]
fn a_browser_comes_before_a_native_node_only_where_it_benchmarked_faster() {
    play(&with_small(
        "0 | join n1 native SMALL  |
         0 | join n2 browser SMALL |
         0 | benchmark n1 1e10     |
         0 | benchmark n2 1e10     |
         0 | ask p1 SMALL          | p1 to n1 with SMALL
         1 | cancel p1             | cancel p1 on n1
         1 | benchmark n2 4e10     |
         1 | ask p2 SMALL          | p2 to n2 with SMALL",
    ));
}

#[test]
fn whoever_boasts_comes_after_a_native_gpu_and_not_before_a_capped_native_node() {
    play(&with_small(
        "0 | join n1 browser SMALL     |
         0 | join n2 native SMALL      |
         0 | join n3 native SMALL gpu  |
         0 | benchmark n1 1e300 1e300  |
         0 | benchmark n2 1e300        |
         0 | benchmark n3 1e9          |
         0 | ask p1 SMALL              | p1 to n3 with SMALL
         0 | ask p2 SMALL              | p2 to n2 with SMALL
         0 | ask p3 SMALL              | p3 to n1 with SMALL",
    ));
}

#[test]
fn what_was_measured_with_a_model_counts_more_than_any_benchmark() {
    play(&with_small(
        "0 | join n1 browser SMALL   |
         0 | join n2 browser SMALL   |
         0 | benchmark n1 4e10       |
         0 | ask p1 SMALL            | p1 to n1 with SMALL
         0 | ask p2 SMALL            | p2 to n2 with SMALL
         1 | finish p1 on n1 2       |
         1 | finish p2 on n2 20      |
         2 | benchmark n1 4e10       |
         2 | ask p3 SMALL            | p3 to n2 with SMALL",
    ));
}

#[test]
fn a_benchmark_of_a_node_that_left_changes_nothing() {
    play(&with_small(
        "0 | join n1 native SMALL |
         1 | leave n1             |
         2 | benchmark n1 1e10    |
         3 | ask p1 SMALL         | give up p1: no node",
    ));
}
