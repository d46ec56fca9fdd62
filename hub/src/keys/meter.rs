//! The one task that owns the ledger, and the handle that everyone else holds.

use std::time::{Duration, SystemTime};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval},
};

use super::{
    Bill, Client, Limits,
    ledger::{Ledger, LimitReached, Moment, Standing},
};
use crate::clock::since_1970;

/// How often addresses that need no remembering are forgotten.
const TIDYING: Duration = Duration::from_secs(60);

/// Cheap to clone; the task ends with the last one.
#[derive(Clone, Debug)]
pub struct Meter {
    requests: mpsc::UnboundedSender<Request>,
}

#[derive(Debug)]
enum Request {
    Admit {
        client: Client,
        limits: Limits,
        tokens: u32,
        reply: oneshot::Sender<Result<Admission, LimitReached>>,
    },
    Settle {
        bill: Bill,
        used: u64,
    },
    Restore {
        client: Client,
        day: u64,
        requests: u64,
        tokens: u64,
    },
}

/// A request that may go on. Dropping it before its prompt is submitted gives its tokens back.
#[derive(Debug)]
pub struct Admission {
    pub standing: Standing,
    bill: Bill,
    is_submitted: bool,
    meter: Meter,
}

impl Meter {
    /// Starts the task on the current runtime.
    pub(super) fn start() -> Self {
        // Unbounded, because a bill is settled where nothing can wait. There is one request for each
        // HTTP request and each prompt's end.
        let (requests, inbox) = mpsc::unbounded_channel();
        let meter = Self { requests };
        // Weak: the task must not keep itself alive.
        tokio::spawn(run(inbox, meter.requests.downgrade()));
        meter
    }

    /// Takes one request and sets `tokens` aside until the prompt's bill is settled.
    ///
    /// # Errors
    /// Where a limit is reached.
    pub async fn admit(
        &self,
        client: Client,
        limits: Limits,
        tokens: u32,
    ) -> Result<Admission, LimitReached> {
        let unmetered = || Admission {
            standing: Standing::default(),
            bill: Bill::unmetered(client),
            is_submitted: false,
            meter: self.clone(),
        };
        if limits == Limits::NONE {
            return Ok(unmetered());
        }
        let (reply, replied) = oneshot::channel();
        let request = Request::Admit {
            client,
            limits,
            tokens,
            reply,
        };
        // A task that is gone went with the hub.
        if self.requests.send(request).is_err() {
            return Ok(unmetered());
        }
        replied.await.unwrap_or_else(|_| Ok(unmetered()))
    }

    /// Tells what a prompt came to, at its end.
    pub fn settle(&self, bill: Bill, used_tokens: u64) {
        if bill.reserved.is_some() {
            let used = used_tokens;
            // Nothing is left to be limited where the task is gone.
            let _ = self.requests.send(Request::Settle { bill, used });
        }
    }

    pub(super) fn restore(&self, client: Client, day: u64, requests: u64, tokens: u64) {
        let _ = self.requests.send(Request::Restore {
            client,
            day,
            requests,
            tokens,
        });
    }
}

impl Admission {
    /// The bill, for the prompt that is submitted now: its end settles it.
    pub fn into_bill(mut self) -> Bill {
        self.is_submitted = true;
        self.bill
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if !self.is_submitted {
            self.meter.settle(self.bill, 0);
        }
    }
}

async fn run(
    mut inbox: mpsc::UnboundedReceiver<Request>,
    requests: mpsc::WeakUnboundedSender<Request>,
) {
    let mut ledger = Ledger::default();
    let started = Instant::now();
    let now = || Moment {
        steady: started.elapsed(),
        unix: since_1970(SystemTime::now()),
    };
    let mut tidying = interval(TIDYING);
    tidying.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let request = tokio::select! {
            request = inbox.recv() => request,
            _ = tidying.tick() => {
                ledger.prune(now());
                continue;
            }
        };
        match request {
            Some(Request::Admit {
                client,
                limits,
                tokens,
                reply,
            }) => {
                let Some(requests) = requests.upgrade() else {
                    return;
                };
                let admitted = ledger.admit(client, limits, tokens, now());
                let admission = admitted.map(|(reserved, standing)| Admission {
                    standing,
                    bill: Bill {
                        client,
                        is_request: true,
                        reserved: Some(reserved),
                    },
                    is_submitted: false,
                    meter: Meter { requests },
                });
                // Whoever left meanwhile drops the admission, which gives its tokens back.
                let _ = reply.send(admission);
            }
            Some(Request::Settle { bill, used }) => ledger.settle(bill, used, now()),
            Some(Request::Restore {
                client,
                day,
                requests,
                tokens,
            }) => ledger.restore(client, day, requests, tokens),
            None => return,
        }
    }
}
