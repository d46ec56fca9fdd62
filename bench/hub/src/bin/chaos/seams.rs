//! Where one node went on from another's text: whether anything was lost or doubled there.

use std::collections::HashMap;

use crate::{answers::Undisturbed, proxy::Handover, streams::Streamed};

/// A slip at a seam is looked for as far as this, in bytes.
const FARTHEST_SLIP: usize = 200;

/// So much text in a row does not stand in two places by chance.
const TELLING: usize = 20;

/// A divergence this close behind a seam counts as one at the seam: some four tokens.
const CLOSE: usize = 16;

/// What became of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Equal,
    /// Text is missing, or stands twice, where nodes changed.
    Slipped,
    /// Other words follow closely behind a seam: the next node saw the same text and chose otherwise.
    DivergedAtSeam,
    /// Other words, away from any seam.
    Diverged,
}

#[derive(Debug)]
pub(crate) struct Seams(HashMap<String, Vec<usize>>);

impl Seams {
    pub(crate) fn of(handovers: &[Handover]) -> Self {
        let mut seams: HashMap<String, Vec<usize>> = HashMap::new();
        for handover in handovers {
            seams
                .entry(handover.task.0.clone())
                .or_default()
                .push(handover.at);
        }
        Self(seams)
    }

    pub(crate) fn count(&self, streamed: &Streamed) -> usize {
        self.places(streamed).len()
    }

    pub(crate) fn judge(&self, streamed: &Streamed, undisturbed: &Undisturbed) -> Verdict {
        judge(
            &streamed.text,
            undisturbed.to(&streamed.prompt),
            self.places(streamed),
        )
    }

    fn places(&self, streamed: &Streamed) -> &[usize] {
        let task = streamed.task.as_deref().unwrap_or_default();
        self.0.get(task).map_or(&[], Vec::as_slice)
    }
}

fn judge(answer: &str, expected: &str, seams: &[usize]) -> Verdict {
    if answer == expected {
        return Verdict::Equal;
    }
    let (answer, expected) = (answer.as_bytes(), expected.as_bytes());
    let same = answer
        .iter()
        .zip(expected)
        .take_while(|(one, other)| one == other);
    let diverged = same.count();
    for &seam in seams.iter().filter(|&&seam| seam <= diverged) {
        if slipped(answer, expected, seam) {
            return Verdict::Slipped;
        }
    }
    let close = |&&seam: &&usize| seam <= diverged && diverged - seam <= CLOSE;
    if seams.iter().any(|seam| close(&seam)) {
        Verdict::DivergedAtSeam
    } else {
        Verdict::Diverged
    }
}

/// Whether what follows the seam is what is expected a little before or after it.
fn slipped(answer: &[u8], expected: &[u8], seam: usize) -> bool {
    let Some(follows) = answer.get(seam..).filter(|rest| !rest.is_empty()) else {
        // The answer ends at its seam, and more was expected.
        return expected.len() > seam;
    };
    let follows = &follows[..follows.len().min(TELLING)];
    if follows.len() < TELLING {
        return false;
    }
    let first = seam.saturating_sub(FARTHEST_SLIP);
    (first..seam + FARTHEST_SLIP)
        .filter(|&place| place != seam)
        .any(|place| expected.get(place..place + TELLING) == Some(follows))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: &str = "The sea is wide and blue, and it is full of fish that swim in circles.";
    const SEAM: usize = 25;

    fn with(rest: &str) -> String {
        format!("{}{rest}", &EXPECTED[..SEAM])
    }

    #[test]
    fn the_same_text_is_equal_wherever_its_seams_are() {
        assert_eq!(judge(EXPECTED, EXPECTED, &[3, SEAM]), Verdict::Equal);
    }

    #[test]
    fn text_that_is_missing_at_a_seam_is_found() {
        let lost = with(&EXPECTED[SEAM + 4..]);
        assert_eq!(judge(&lost, EXPECTED, &[SEAM]), Verdict::Slipped);
        assert_eq!(judge(&with(""), EXPECTED, &[SEAM]), Verdict::Slipped);
    }

    #[test]
    fn text_that_stands_twice_at_a_seam_is_found() {
        let doubled = with(&EXPECTED[SEAM - 6..]);
        assert_eq!(judge(&doubled, EXPECTED, &[SEAM]), Verdict::Slipped);
    }

    #[test]
    fn other_words_are_told_from_slips_by_where_they_begin() {
        let other = with(" and nobody knows how deep it really is.");
        assert_eq!(judge(&other, EXPECTED, &[SEAM]), Verdict::DivergedAtSeam);
        assert_eq!(judge(&other, EXPECTED, &[2]), Verdict::Diverged);
        assert_eq!(judge(&other, EXPECTED, &[]), Verdict::Diverged);
    }
}
