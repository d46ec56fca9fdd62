//! The status page: what the node is doing, for its owner's browser and nobody else's.
//!
//! It listens on this machine only, tells nothing of any prompt, and takes no orders.

mod html;
mod place;
mod route;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::{net::TcpListener, sync::watch};

pub use self::place::Places;
use crate::{
    config::StatusPort,
    language::Language,
    status::{Snapshot, Status},
};

/// Shows the page for as long as it is held.
#[derive(Debug)]
pub struct Page {
    pub address: SocketAddr,
    /// Where `kipina-node status` finds the address; `None` where there is no folder for it.
    _place: Option<place::Place>,
}

/// Starts the page where the owner wants it, or on any free port where that one is taken: by
/// another node, most likely. A node works without, so what is in its way is only told.
pub async fn start(
    port: StatusPort,
    places: &Places,
    status: &Status,
    language: Language,
) -> Option<Page> {
    let StatusPort::Port(wanted) = port else {
        return None;
    };
    let started = match bind(wanted).await {
        Ok(listener) => Page::serve(listener, places, status.watch()),
        Err(error) => Err(error),
    };
    match started {
        Ok(page) => {
            let address = format!("http://{}", page.address);
            let line = if page.address.port() == wanted {
                language.page_is_at(&address)
            } else {
                language.page_moved(wanted, &address)
            };
            tracing::info!("{line}");
            Some(page)
        }
        Err(error) => {
            tracing::warn!("{}", language.no_page(&error.to_string()));
            None
        }
    }
}

async fn bind(wanted: u16) -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
        }
        bound => bound,
    }
}

impl Page {
    fn serve(
        listener: TcpListener,
        places: &Places,
        snapshots: watch::Receiver<Snapshot>,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let pid = snapshots.borrow().pid;
        let router = route::router(snapshots);
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!("the status page ended: {error}");
            }
        });
        Ok(Self {
            address,
            _place: places.leave(pid, address.port()),
        })
    }
}
