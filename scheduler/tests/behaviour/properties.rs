//! What holds for every course of events, however nodes and clients behave.

use proptest::prelude::*;

use crate::onlooker::Onlooker;
use crate::steps::{Step, step};
use crate::transcript::scheduler;

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_prompt_ends_exactly_once_and_only_suitable_nodes_get_any(
        steps in proptest::collection::vec(step(), 1..200),
    ) {
        let mut scheduler = scheduler();
        let mut onlooker = Onlooker::default();
        for step in &steps {
            onlooker.take(&mut scheduler, step)?;
        }
        // However it went so far: once every node is gone and time has passed, nobody waits.
        while onlooker.any_node_left() {
            onlooker.take(&mut scheduler, &Step::Leave(0))?;
        }
        onlooker.take(&mut scheduler, &Step::Wait(3600))?;
        onlooker.check_all_ended()?;
        prop_assert_eq!((scheduler.waiting(), scheduler.running()), (0, 0));
        prop_assert_eq!(scheduler.next_deadline(), None);
    }

    #[test]
    fn nobody_waits_beside_a_free_node(steps in proptest::collection::vec(step(), 1..200)) {
        let mut scheduler = scheduler();
        let mut onlooker = Onlooker::default();
        for step in &steps {
            onlooker.take(&mut scheduler, step)?;
            onlooker.check_nobody_waits_beside_a_free_node(&scheduler)?;
        }
    }
}
