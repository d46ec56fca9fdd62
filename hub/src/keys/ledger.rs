//! Who has asked for how much: token buckets for the minute, counters for the day. No clock, no runtime.
//!
//! A prompt's tokens are known at its end only. So a guess is set aside before it is sent and set right
//! afterwards, which comes to the same as if the true number had been taken at the beginning; whoever
//! asked for more than was guessed waits until the debt is paid.

use std::{collections::HashMap, time::Duration};

use super::{Bill, Client, Limits, Reserved};
use crate::clock::DAY;

const MINUTE_SECONDS: f64 = 60.0;

/// Less of a request than refills can be wrong by.
const ROUNDING: f64 = 1e-6;

/// Now, by two clocks: one that never jumps, and the one that says when a day ends.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Since whenever, as long as it is always the same.
    pub steady: Duration,
    /// Since 1970 in UTC.
    pub unix: Duration,
}

/// What a client has left, for the headers of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    pub requests: Option<Allowance>,
    pub tokens: Option<Allowance>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allowance {
    pub limit: u64,
    pub remaining: u64,
    /// Until nothing of it is used any more.
    pub reset: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitReached {
    pub unit: Unit,
    pub span: Span,
    pub limit: u64,
    pub retry_after: Duration,
    pub standing: Standing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Requests,
    Tokens,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    Minute,
    Day,
}

#[derive(Debug, Default)]
pub struct Ledger {
    accounts: HashMap<Client, Account>,
}

#[derive(Debug, Default)]
struct Account {
    /// Those that it was last asked about with.
    limits: Limits,
    requests: Bucket,
    tokens: Bucket,
    today: Today,
}

/// What was taken and has not been refilled; more than the limit is a debt.
#[derive(Debug, Default)]
struct Bucket {
    spent: f64,
    at: Duration,
}

#[derive(Debug, Default)]
struct Today {
    day: u64,
    requests: u64,
    tokens: u64,
}

/// One of the four limits, as it stands before a request.
struct Gauge {
    unit: Unit,
    span: Span,
    limit: u64,
    remaining: f64,
    wanted: f64,
    per_second: f64,
    until_midnight: Duration,
}

impl Moment {
    /// Days since 1970.
    pub fn day(self) -> u64 {
        self.unix.as_secs() / DAY.as_secs()
    }

    fn until_midnight(self) -> Duration {
        DAY.saturating_sub(Duration::from_secs(self.unix.as_secs() % DAY.as_secs()))
    }
}

impl Ledger {
    /// Takes one request, and sets `tokens` aside.
    ///
    /// # Errors
    /// Where a limit is reached; then nothing is taken. Of limits that are, the one that lasts longest.
    pub fn admit(
        &mut self,
        client: Client,
        limits: Limits,
        tokens: u32,
        now: Moment,
    ) -> Result<(Reserved, Standing), LimitReached> {
        let account = self.accounts.entry(client).or_default();
        account.limits = limits;
        account.turn_to(now);
        let reached = account
            .gauges(tokens, now)
            .filter(|gauge| !gauge.is_enough())
            .max_by_key(Gauge::wait);
        if let Some(gauge) = reached {
            return Err(LimitReached {
                unit: gauge.unit,
                span: gauge.span,
                limit: gauge.limit,
                retry_after: gauge.wait(),
                standing: account.standing(now),
            });
        }
        account.requests.spent += 1.0;
        account.tokens.spent += f64::from(tokens);
        account.today.requests += 1;
        account.today.tokens += u64::from(tokens);
        let reserved = Reserved {
            tokens,
            day: now.day(),
        };
        Ok((reserved, account.standing(now)))
    }

    /// Puts the tokens that were used in the place of those that were set aside.
    pub fn settle(&mut self, bill: Bill, used: u64, now: Moment) {
        let (Some(reserved), Some(account)) = (bill.reserved, self.accounts.get_mut(&bill.client))
        else {
            return;
        };
        account.turn_to(now);
        let difference = used as f64 - f64::from(reserved.tokens);
        account.tokens.spent = (account.tokens.spent + difference).max(0.0);
        let today = &mut account.today.tokens;
        *today += used;
        // What was set aside yesterday went with yesterday.
        if reserved.day == now.day() {
            *today = today.saturating_sub(reserved.tokens.into());
        }
    }

    /// What a client had used of a day before this ledger was begun.
    pub fn restore(&mut self, client: Client, day: u64, requests: u64, tokens: u64) {
        self.accounts.entry(client).or_default().today = Today {
            day,
            requests,
            tokens,
        };
    }

    /// Forgets addresses of which there is nothing to remember.
    pub fn prune(&mut self, now: Moment) {
        self.accounts.retain(|client, account| {
            account.turn_to(now);
            client.key().is_some() || account.matters()
        });
    }

    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }
}

impl Account {
    fn turn_to(&mut self, now: Moment) {
        self.requests
            .refill(self.limits.requests_per_minute, now.steady);
        self.tokens
            .refill(self.limits.tokens_per_minute, now.steady);
        if self.today.day != now.day() {
            self.today = Today {
                day: now.day(),
                ..Today::default()
            };
        }
    }

    /// The limits that there are, for a request of so many tokens.
    fn gauges(&self, tokens: u32, now: Moment) -> impl Iterator<Item = Gauge> {
        let Limits {
            requests_per_minute,
            tokens_per_minute,
            requests_per_day,
            tokens_per_day,
        } = self.limits;
        let until_midnight = now.until_midnight();
        let gauge = move |unit, span, limit: u64, spent: f64| Gauge {
            unit,
            span,
            limit,
            remaining: limit as f64 - spent,
            // What is longer than the whole limit passes where nothing else was asked for.
            wanted: match unit {
                Unit::Requests => 1.0,
                Unit::Tokens => f64::from(tokens).min(limit as f64),
            },
            per_second: limit as f64 / MINUTE_SECONDS,
            until_midnight,
        };
        let minute = move |unit, limit: Option<u32>, spent| {
            limit.map(|limit| gauge(unit, Span::Minute, limit.into(), spent))
        };
        let day = move |unit, limit: Option<u64>, spent: u64| {
            limit.map(|limit| gauge(unit, Span::Day, limit, spent as f64))
        };
        [
            minute(Unit::Requests, requests_per_minute, self.requests.spent),
            minute(Unit::Tokens, tokens_per_minute, self.tokens.spent),
            day(Unit::Requests, requests_per_day, self.today.requests),
            day(Unit::Tokens, tokens_per_day, self.today.tokens),
        ]
        .into_iter()
        .flatten()
    }

    /// Of the minute's limit and the day's, the one that leaves less.
    fn standing(&self, now: Moment) -> Standing {
        let tightest = |unit| {
            self.gauges(0, now)
                .filter(|gauge| gauge.unit == unit)
                .map(|gauge| gauge.allowance())
                .min_by_key(|allowance| allowance.remaining)
        };
        Standing {
            requests: tightest(Unit::Requests),
            tokens: tightest(Unit::Tokens),
        }
    }

    /// Whether forgetting it would give its client anything.
    fn matters(&self) -> bool {
        let Limits {
            requests_per_day,
            tokens_per_day,
            ..
        } = self.limits;
        let has_daily_limit = requests_per_day.is_some() || tokens_per_day.is_some();
        let used_today = self.today.requests > 0 || self.today.tokens > 0;
        let used_now = self.requests.spent > ROUNDING || self.tokens.spent > ROUNDING;
        used_now || has_daily_limit && used_today
    }
}

impl Bucket {
    fn refill(&mut self, per_minute: Option<u32>, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.at = now;
        self.spent = match per_minute {
            Some(limit) => (self.spent - passed * f64::from(limit) / MINUTE_SECONDS).max(0.0),
            None => 0.0,
        };
    }
}

impl Gauge {
    fn is_enough(&self) -> bool {
        self.remaining + ROUNDING >= self.wanted
    }

    /// Until it would be enough.
    fn wait(&self) -> Duration {
        match self.span {
            Span::Minute => seconds((self.wanted - self.remaining) / self.per_second),
            Span::Day => self.until_midnight,
        }
    }

    fn allowance(&self) -> Allowance {
        let spent = self.limit as f64 - self.remaining;
        Allowance {
            limit: self.limit,
            remaining: self.remaining.max(0.0).floor() as u64,
            reset: match self.span {
                Span::Minute => seconds(spent / self.per_second),
                Span::Day => self.until_midnight,
            },
        }
    }
}

/// A limit of 0 is never enough: it waits for as long as a header can say.
fn seconds(seconds: f64) -> Duration {
    let longest = DAY.as_secs_f64();
    if seconds.is_finite() {
        Duration::from_secs_f64(seconds.clamp(0.0, longest))
    } else {
        DAY
    }
}

#[cfg(test)]
mod tests;
