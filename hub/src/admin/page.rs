//! A page of a list that grows at its head: the latest first, and what to ask for to go on.

use axum::extract::{Query, rejection::QueryRejection};
use serde::Deserialize;

use crate::error::ApiError;

const USUAL_PAGE: u32 = 50;
const LONGEST_PAGE: u32 = 500;

#[derive(Debug, Deserialize)]
pub(super) struct Wishes {
    /// Entries from before this one.
    before: Option<u64>,
    limit: Option<u32>,
}

pub(super) type Parameters = Result<Query<Wishes>, QueryRejection>;

#[derive(Debug)]
pub(super) struct Asked {
    pub(super) before: Option<u64>,
    limit: u32,
}

impl Asked {
    /// # Errors
    /// Where the parameters are no numbers, or the page is too long.
    pub(super) fn of(parameters: Parameters) -> Result<Self, ApiError> {
        let Query(Wishes { before, limit }) =
            parameters.map_err(|error| ApiError::invalid("before", error.body_text()))?;
        let limit = limit.unwrap_or(USUAL_PAGE);
        if !(1..=LONGEST_PAGE).contains(&limit) {
            let message = format!("'limit' must be from 1 to {LONGEST_PAGE}");
            return Err(ApiError::invalid("limit", message));
        }
        // Ids are SQLite's, which has no larger ones.
        let before = before.map(|before| before.min(i64::MAX as u64));
        Ok(Self { before, limit })
    }

    /// One more than was asked for tells whether there is more.
    pub(super) fn rows(&self) -> u32 {
        self.limit + 1
    }

    /// The page, and what to ask for as `before` to go on; none where nothing is older.
    pub(super) fn page<T>(
        &self,
        mut rows: Vec<T>,
        id: impl Fn(&T) -> u64,
    ) -> (Vec<T>, Option<u64>) {
        let is_cut = rows.len() > self.limit as usize;
        rows.truncate(self.limit as usize);
        let last = rows.last().map(id).filter(|_| is_cut);
        (rows, last)
    }
}
