//! Which models are offered, and which were and could not be loaded: a plain value.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use ::engine::EngineError;
use protocol::NodeModel;

use super::model_file::ModelFile;

/// Before a file is tried again that could not be read: disks and network drives come back.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(600);

#[derive(Clone, Debug)]
pub(super) struct Offered {
    pub(super) file: Arc<ModelFile>,
    pub(super) advertised: NodeModel,
}

/// Why a model could not be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    /// What is in the file won't do, until another file stands there.
    Content,
    /// It could not be read, which may pass.
    Reading,
}

impl Defect {
    pub(super) fn of(error: &EngineError) -> Self {
        match error {
            // A file that was cut off is read to its end.
            EngineError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => Self::Reading,
            _ => Self::Content,
        }
    }
}

#[derive(Clone, Debug)]
struct Withdrawn {
    file: Arc<ModelFile>,
    /// When to try the same file again.
    again_at: Option<Instant>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Stock {
    offered: Vec<Offered>,
    withdrawn: Vec<Withdrawn>,
}

impl Stock {
    pub(super) fn offered(&self) -> &[Offered] {
        &self.offered
    }

    /// Whether prompts may call for a model by this id, or could before it was withdrawn.
    pub(super) fn knows(&self, id: &str) -> bool {
        let mut offered = self.offered.iter().map(|offered| &offered.file);
        let mut withdrawn = self.withdrawn.iter().map(|withdrawn| &withdrawn.file);
        offered.any(|file| file.id == id) || withdrawn.any(|file| file.id == id)
    }

    /// `false` where another model is called the same.
    pub(super) fn offer(&mut self, new: Offered) -> bool {
        let id = &new.file.id;
        let is_new = !self.offered.iter().any(|known| known.file.id == *id);
        if is_new {
            self.withdrawn.retain(|withdrawn| withdrawn.file.id != *id);
            self.offered.push(new);
        }
        is_new
    }

    /// `false` where it is not offered: somebody else's prompt has found the same before.
    pub(super) fn withdraw(&mut self, file: &Arc<ModelFile>, why: Defect, now: Instant) -> bool {
        let offered = self.offered.len();
        self.offered.retain(|offered| offered.file != *file);
        let was_offered = self.offered.len() < offered;
        if was_offered {
            self.put_aside(file, why, now);
        }
        was_offered
    }

    /// What was withdrawn and deserves another look: `found` is what stands in a file's place now.
    pub(super) fn worth_another_look(
        &self,
        now: Instant,
        found: impl Fn(&ModelFile) -> Option<ModelFile>,
    ) -> Vec<ModelFile> {
        let again = self.withdrawn.iter().filter_map(|withdrawn| {
            let found = found(&withdrawn.file)?;
            let is_due = withdrawn.again_at.is_some_and(|at| at <= now);
            (is_due || found != *withdrawn.file).then_some(found)
        });
        again.collect()
    }

    /// Another look has shown that it still won't do.
    pub(super) fn disappoint(&mut self, file: &Arc<ModelFile>, why: Defect, now: Instant) {
        self.withdrawn
            .retain(|withdrawn| withdrawn.file.id != file.id);
        self.put_aside(file, why, now);
    }

    fn put_aside(&mut self, file: &Arc<ModelFile>, why: Defect, now: Instant) {
        self.withdrawn.push(Withdrawn {
            file: Arc::clone(file),
            again_at: (why == Defect::Reading).then(|| now + READ_AGAIN_AFTER),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::{super::shelf::tests::file, *};

    fn offered(file: &Arc<ModelFile>) -> Offered {
        let model = serde_json::json!({"id": file.id, "context_length": 4096});
        Offered {
            file: Arc::clone(file),
            advertised: serde_json::from_value(model).unwrap(),
        }
    }

    fn ids(stock: &Stock) -> String {
        let ids = stock
            .offered()
            .iter()
            .map(|offered| offered.file.id.as_str());
        ids.collect::<Vec<_>>().join(" ")
    }

    fn with(names: &[&str]) -> Stock {
        let mut stock = Stock::default();
        for name in names {
            assert!(stock.offer(offered(&file(name, 100))));
        }
        stock
    }

    #[test]
    fn a_model_that_can_not_be_loaded_is_offered_no_more() {
        let mut stock = with(&["a", "b"]);
        let now = Instant::now();
        assert!(!stock.offer(offered(&file("a", 200))), "one of each name");
        let broken = file("a", 100);
        assert!(stock.withdraw(&broken, Defect::Content, now));
        assert_eq!(ids(&stock), "b");
        assert!(stock.knows("a"), "a hub's wish does not bring it back");
        assert!(!stock.withdraw(&broken, Defect::Content, now), "told once");
    }

    #[test]
    fn a_prompt_for_the_file_of_before_says_nothing_of_the_new_one() {
        let mut stock = with(&["a"]);
        assert!(!stock.withdraw(&file("a", 99), Defect::Content, Instant::now()));
        assert_eq!(ids(&stock), "a");
    }

    #[test]
    fn another_file_in_its_place_is_worth_another_look() {
        let mut stock = with(&["a"]);
        let (broken, now) = (file("a", 100), Instant::now());
        stock.withdraw(&broken, Defect::Content, now);
        let later = now + READ_AGAIN_AFTER * 10;
        let looks = |stock: &Stock, found: Option<&ModelFile>| {
            stock.worth_another_look(later, |_| found.cloned())
        };
        assert_eq!(looks(&stock, None), [], "it was deleted");
        assert_eq!(looks(&stock, Some(&broken)), [], "it is what it was");
        let longer = ModelFile {
            bytes: 200,
            ..ModelFile::clone(&broken)
        };
        let newer = ModelFile {
            modified: Some(SystemTime::UNIX_EPOCH),
            ..ModelFile::clone(&broken)
        };
        for mended in [&longer, &newer] {
            assert_eq!(looks(&stock, Some(mended)), std::slice::from_ref(mended));
        }
        let newer = Arc::new(newer);
        stock.disappoint(&newer, Defect::Content, now);
        assert_eq!(looks(&stock, Some(&newer)), [], "it is no better");
        assert!(stock.offer(offered(&Arc::new(longer.clone()))));
        assert_eq!(looks(&stock, Some(&longer)), [], "it is offered");
    }

    #[test]
    fn a_file_that_could_not_be_read_is_tried_again_after_a_while() {
        let mut stock = with(&["a"]);
        let (unread, now) = (file("a", 100), Instant::now());
        stock.withdraw(&unread, Defect::Reading, now);
        let looks = |after| {
            let found = stock.worth_another_look(now + after, |file| Some(file.clone()));
            found.len()
        };
        assert_eq!(looks(READ_AGAIN_AFTER - Duration::from_secs(1)), 0);
        assert_eq!(looks(READ_AGAIN_AFTER), 1);
    }
}
