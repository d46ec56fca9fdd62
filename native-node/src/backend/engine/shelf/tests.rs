//! A machine with little memory, and a card with less.

use std::sync::{Mutex, PoisonError};

use ::engine::Request;

use super::*;
use crate::backend::engine::worker::Steps;

/// Of models, for a test to look at.
type Names = Arc<Mutex<Vec<String>>>;

/// Counts as a model as long as it lives.
struct InMemory(Arc<ModelFile>, Names);

impl Drop for InMemory {
    fn drop(&mut self) {
        // A test that fails while it looks must not fail again here.
        let mut in_memory = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        in_memory.retain(|id| *id != self.0.id);
    }
}

impl Compute for InMemory {
    fn start<'a>(&'a mut self, _: &Request) -> Result<Box<dyn Steps + 'a>, EngineError> {
        Err(EngineError::InvalidRequest(self.0.id.clone()))
    }

    fn judge(&mut self, _: &mut ::engine::Audit) -> Result<bool, EngineError> {
        Err(EngineError::InvalidRequest(self.0.id.clone()))
    }
}

/// A GPU that has room for so many models.
#[derive(Default)]
struct Card {
    models: usize,
    /// Models that it failed.
    failed: Names,
}

/// A machine with so much memory, of which each model takes 1.4 times its file.
struct Machine {
    memory_bytes: Option<u64>,
    gpu: Option<Card>,
    in_memory: Names,
    /// The most that models have taken, where the allocator gives nothing back.
    kept_bytes: Option<u64>,
    tells_what_is_held: bool,
}

impl Machine {
    fn taken_bytes(&self) -> u64 {
        let live = self.in_memory.lock().unwrap().len() as u64 * 140;
        live.max(self.kept_bytes.unwrap_or_default())
    }
}

impl Load for Machine {
    fn load(
        &mut self,
        file: &ModelFile,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Box<dyn Compute>, EngineError> {
        if !wanted() || file.id == "broken" {
            return Err(EngineError::InvalidModel("it is broken".into()));
        }
        if let Some(card) = &self.gpu
            && !card.failed.lock().unwrap().contains(&file.id)
            && self.in_memory.lock().unwrap().len() >= card.models
        {
            return Err(GpuError::OutOfMemory("140 bytes".into()).into());
        }
        self.in_memory.lock().unwrap().push(file.id.clone());
        let taken = self.taken_bytes();
        self.kept_bytes = self.kept_bytes.map(|_| taken);
        let in_memory = Arc::clone(&self.in_memory);
        Ok(Box::new(InMemory(Arc::new(file.clone()), in_memory)))
    }

    fn available_bytes(&self) -> Option<u64> {
        self.memory_bytes.map(|bytes| bytes - self.taken_bytes())
    }

    fn held_bytes(&self) -> Option<u64> {
        self.tells_what_is_held.then(|| self.taken_bytes())
    }

    fn gpu_failed(&mut self, file: &ModelFile, _: &GpuError) {
        let card = self.gpu.as_ref().expect("there is a GPU");
        card.failed.lock().unwrap().push(file.id.clone());
    }

    fn given_up(&self, _: &ModelFile) {}
}

pub(crate) fn file(id: &str, bytes: u64) -> Arc<ModelFile> {
    Arc::new(ModelFile {
        path: id.into(),
        id: id.into(),
        digest: None,
        bytes,
        modified: None,
    })
}

fn machine(memory_bytes: Option<u64>) -> Machine {
    Machine {
        memory_bytes,
        gpu: None,
        in_memory: Arc::default(),
        kept_bytes: None,
        tells_what_is_held: true,
    }
}

fn shelf_of(machine: Machine) -> (Shelf, Names) {
    let in_memory = Arc::clone(&machine.in_memory);
    (Shelf::new(Box::new(machine)), in_memory)
}

fn shelf(memory_bytes: Option<u64>) -> (Shelf, Names) {
    shelf_of(machine(memory_bytes))
}

fn take_for(shelf: &mut Shelf, id: &str, bytes: u64, whom: Use) -> Result<(), NotLoaded> {
    shelf.take(&file(id, bytes), whom, &|| true).map(drop)
}

fn take(shelf: &mut Shelf, id: &str) -> Result<(), NotLoaded> {
    take_for(shelf, id, 100, Use::Prompt)
}

fn audit(shelf: &mut Shelf, id: &str) -> Result<(), NotLoaded> {
    take_for(shelf, id, 100, Use::Audit)
}

#[test]
fn an_audit_costs_no_model_its_place_that_prompts_use() {
    let (mut shelf, in_memory) = shelf(Some(300));
    let now = || in_memory.lock().unwrap().join(" ");
    take(&mut shelf, "a").unwrap();
    audit(&mut shelf, "b").unwrap();
    assert_eq!(now(), "a b", "there is room");
    audit(&mut shelf, "c").unwrap();
    assert_eq!(now(), "a c", "no prompt has used b");
    take(&mut shelf, "c").unwrap();
    let refused = audit(&mut shelf, "b");
    assert!(matches!(refused, Err(NotLoaded::NoRoom)), "{refused:?}");
    audit(&mut shelf, "a").unwrap();
    take(&mut shelf, "b").unwrap();
    assert_eq!(now(), "c b", "an audit of a was no use of it");
}

#[test]
fn what_no_prompt_has_used_for_long_makes_room_for_an_audit() {
    let (mut shelf, in_memory) = shelf(Some(150));
    take(&mut shelf, "a").unwrap();
    shelf.kept_for_prompts = Duration::ZERO;
    audit(&mut shelf, "b").unwrap();
    assert_eq!(*in_memory.lock().unwrap(), ["b"]);
}

#[test]
fn what_was_not_used_for_longest_gives_way() {
    let (mut shelf, in_memory) = shelf(Some(300));
    let mut after = |id: &str| {
        take(&mut shelf, id).unwrap();
        in_memory.lock().unwrap().join(" ")
    };
    assert_eq!(after("a"), "a");
    assert_eq!(after("b"), "a b");
    assert_eq!(after("a"), "a b", "nothing is loaded twice");
    assert_eq!(after("c"), "a c", "b was not used for longest");
    assert_eq!(after("b"), "c b");
}

#[test]
fn a_model_that_is_there_takes_no_time() {
    let (mut shelf, _) = shelf(Some(300));
    take(&mut shelf, "a").unwrap();
    let (_, took) = shelf.take(&file("a", 100), Use::Prompt, &|| true).unwrap();
    assert_eq!(took, Duration::ZERO);
}

#[test]
fn alone_a_model_is_tried_as_long_as_its_weights_fit() {
    let (mut tight, in_memory) = shelf(Some(120));
    take(&mut tight, "a").unwrap();
    assert_eq!(*in_memory.lock().unwrap(), ["a"]);
    let (mut small, _) = shelf(Some(90));
    let refused = take(&mut small, "a");
    assert!(
        matches!(
            refused,
            Err(NotLoaded::NoMemory {
                file_bytes: 100,
                available_bytes: 90
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn a_model_that_can_not_fit_costs_no_other_its_place() {
    let (mut shelf, in_memory) = shelf(Some(300));
    take(&mut shelf, "a").unwrap();
    take(&mut shelf, "b").unwrap();
    let refused = take_for(&mut shelf, "huge", 301, Use::Prompt);
    assert!(
        matches!(
            refused,
            Err(NotLoaded::NoMemory {
                file_bytes: 301,
                available_bytes: 300
            })
        ),
        "{refused:?}"
    );
    assert_eq!(*in_memory.lock().unwrap(), ["a", "b"]);
    take_for(&mut shelf, "large", 300, Use::Prompt).unwrap();
    assert_eq!(*in_memory.lock().unwrap(), ["large"]);
}

#[test]
fn room_that_the_allocator_keeps_is_room() {
    let (mut shelf, in_memory) = shelf_of(Machine {
        kept_bytes: Some(0),
        ..machine(Some(320))
    });
    for id in ["a", "b", "c"] {
        take(&mut shelf, id).unwrap();
    }
    assert_eq!(*in_memory.lock().unwrap(), ["b", "c"]);
    // Both are given up for it, and nothing of that comes back to the system.
    take_for(&mut shelf, "large", 250, Use::Prompt).unwrap();
    assert_eq!(*in_memory.lock().unwrap(), ["large"]);
}

#[test]
fn what_can_not_fit_is_refused_also_where_nobody_tells_what_is_held() {
    let (mut shelf, _) = shelf_of(Machine {
        tells_what_is_held: false,
        ..machine(Some(300))
    });
    take(&mut shelf, "a").unwrap();
    let refused = take_for(&mut shelf, "huge", 301, Use::Prompt);
    assert!(
        matches!(refused, Err(NotLoaded::NoMemory { .. })),
        "{refused:?}"
    );
    take(&mut shelf, "a").unwrap();
}

#[test]
fn where_nobody_knows_how_much_memory_there_is_one_model_is_kept() {
    let (mut shelf, in_memory) = shelf(None);
    for id in ["a", "b"] {
        take(&mut shelf, id).unwrap();
        assert_eq!(*in_memory.lock().unwrap(), [id]);
    }
}

fn shelf_with_card(models: usize) -> (Shelf, Names, Names) {
    let card = Card {
        models,
        ..Card::default()
    };
    let failed = Arc::clone(&card.failed);
    let (shelf, in_memory) = shelf_of(Machine {
        gpu: Some(card),
        ..machine(Some(10_000))
    });
    (shelf, in_memory, failed)
}

#[test]
fn a_full_gpu_makes_room_as_full_memory_does() {
    let (mut shelf, in_memory, failed) = shelf_with_card(2);
    for id in ["a", "b", "a", "c"] {
        take(&mut shelf, id).unwrap();
    }
    assert_eq!(*in_memory.lock().unwrap(), ["a", "c"]);
    let refused = audit(&mut shelf, "b");
    assert!(matches!(refused, Err(NotLoaded::NoRoom)), "{refused:?}");
    assert!(failed.lock().unwrap().is_empty(), "it was only full");
}

#[test]
fn what_the_gpu_does_not_hold_even_alone_is_loaded_elsewhere() {
    let (mut shelf, in_memory, failed) = shelf_with_card(0);
    take(&mut shelf, "a").unwrap();
    assert_eq!(*in_memory.lock().unwrap(), ["a"]);
    assert_eq!(*failed.lock().unwrap(), ["a"]);
}

#[test]
fn a_lost_gpu_takes_every_model_with_it_and_any_other_failure_one() {
    let (mut shelf, in_memory, failed) = shelf_with_card(2);
    let mut models_after = |error| {
        for id in ["a", "b"] {
            take(&mut shelf, id).unwrap();
        }
        shelf.gpu_failed(&file("b", 100), &error);
        in_memory.lock().unwrap().join(" ")
    };
    let lost = GpuError::Lost("it hung".into());
    assert_eq!(models_after(lost), "");
    let failure = GpuError::Driver("a shader did not compile".into());
    assert_eq!(models_after(failure), "a");
    assert_eq!(*failed.lock().unwrap(), ["b", "b"]);
}

#[test]
fn a_model_that_nobody_waits_for_is_not_loaded() {
    let (mut shelf, in_memory) = shelf(Some(300));
    let abandoned = shelf
        .take(&file("a", 100), Use::Prompt, &|| false)
        .map(drop);
    assert!(matches!(abandoned, Err(NotLoaded::Abandoned)));
    let broken = take(&mut shelf, "broken");
    assert!(matches!(broken, Err(NotLoaded::Failed(_))));
    assert!(in_memory.lock().unwrap().is_empty());
    take(&mut shelf, "a").unwrap();
}
