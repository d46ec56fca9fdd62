//! The prompts that one connection has taken, and whether anybody still waits for them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use protocol::TaskId;

/// True once nobody waits for an answer any more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancelled(Rc<Cell<bool>>);

impl Cancelled {
    pub(crate) fn is_set(&self) -> bool {
        self.0.get()
    }
}

/// Dropping it cancels them all.
#[derive(Debug, Default)]
pub(crate) struct Held(RefCell<HashMap<TaskId, Cancelled>>);

impl Held {
    pub(crate) fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// `None` for a prompt that is held already.
    pub(crate) fn take(&self, task_id: &TaskId) -> Option<Cancelled> {
        let mut held = self.0.borrow_mut();
        if held.contains_key(task_id) {
            return None;
        }
        Some(held.entry(task_id.clone()).or_default().clone())
    }

    pub(crate) fn finish(&self, task_id: &TaskId) {
        self.0.borrow_mut().remove(task_id);
    }

    pub(crate) fn cancel(&self, task_id: &TaskId) {
        if let Some(cancelled) = self.0.borrow_mut().remove(task_id) {
            cancelled.0.set(true);
        }
    }

    pub(crate) fn cancel_all(&self) {
        for (_, cancelled) in self.0.borrow_mut().drain() {
            cancelled.0.set(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancelled_prompt_is_no_longer_held_and_its_work_knows() {
        let held = Held::default();
        let [one, two] = ["1", "2"].map(|id| TaskId(id.into()));
        let (first, second) = (held.take(&one).unwrap(), held.take(&two).unwrap());
        assert!(held.take(&one).is_none());
        held.cancel(&one);
        assert!(first.is_set() && !second.is_set());
        assert_eq!(held.count(), 1);
        held.cancel_all();
        assert!(second.is_set());
        assert_eq!(held.count(), 0);
    }

    #[test]
    fn a_finished_prompt_is_not_cancelled() {
        let held = Held::default();
        let task = TaskId("1".into());
        let cancelled = held.take(&task).unwrap();
        held.finish(&task);
        held.cancel(&task);
        assert!(!cancelled.is_set());
    }
}
