//! `kipina-hub ready`: whether the hub that was started with these settings serves. For containers' health checks,
//! whose images hold this one program.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use crate::{config::Config, language::Text};

/// For each step of asking. `/readyz` itself takes less.
const PATIENCE: Duration = Duration::from_secs(5);

const LONGEST_ANSWER: u64 = 64 * 1024;

pub fn ready(config: &Config) -> Result<Text, Text> {
    let address = SocketAddr::new(at_this_machine(config.bind), config.port);
    let answer = ask(address).map_err(|error| {
        Text::new(
            format!("Osoitteesta {address} ei vastaa keskus ({error}): käynnistä kipina-hub tai anna PORT ja BIND niin kuin sille"),
            format!("No hub answers at {address} ({error}): start kipina-hub, or set PORT and BIND as for the one that runs"),
        )
    })?;
    if answer.starts_with("HTTP/1.1 200 ") {
        return Ok(Text::new(
            format!("Keskus on valmis osoitteessa {address}"),
            format!("The hub is ready at {address}"),
        ));
    }
    let said = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let said = said.trim();
    Err(Text::new(
        format!("Keskus osoitteessa {address} ei ole valmis: {said}"),
        format!("The hub at {address} is not ready: {said}"),
    ))
}

/// A hub that listens on all addresses is reached at this one.
fn at_this_machine(bind: IpAddr) -> IpAddr {
    match bind {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        own => own,
    }
}

fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
