//! A SoupBinTCP client that does what it is told, right or wrong.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use wire::ouch50::inbound::{CancelOrder, EnterOrder, Head, ReplaceOrder};
use wire::ouch50::{Appendage, Side, outbound};
use wire::soupbintcp::{Login, Packet, next_packet};

use super::house::PASSWORD;
use crate::kit;
use crate::publish::PATIENCE;

/// What a venue said last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The login is good: the next message's number.
    Accepted(u64),
    /// The login is not: the letter.
    Rejected(char),
    /// A sequenced message.
    Told(Vec<u8>),
    /// It hung up.
    Gone,
}

/// A connection.
pub(super) struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    pub(super) fn connect(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, unread: Vec::new() }
    }

    /// Logged in, to hear what is new from now on.
    pub(super) fn up(to: SocketAddr, user: &str) -> Self {
        let mut client = Self::connect(to);
        client.log_in(user, PASSWORD, "", 0);
        assert!(matches!(client.hear(), Said::Accepted(_)), "{user} is let in");
        client
    }

    pub(super) fn log_in(&mut self, user: &str, password: &str, session: &str, sequence: u64) {
        let login = Login::new(user, password, session, sequence).unwrap();
        self.packet(&Packet::Login { login: &login, heartbeat_timeout: None });
    }

    fn packet(&mut self, packet: &Packet<'_>) {
        let mut out = [0; 512];
        let len = packet.encode(&mut out).unwrap();
        self.raw(&out[..len]);
    }

    /// Bytes as they are. A venue that hung up meanwhile is found out by [`Client::hear`].
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// An OUCH message.
    pub(super) fn send(&mut self, message: &[u8]) {
        self.packet(&Packet::Unsequenced(message));
    }

    pub(super) fn log_out(mut self) {
        self.packet(&Packet::Logout);
        while self.hear() != Said::Gone {}
    }

    /// The next thing the venue says; heartbeats say nothing.
    pub(super) fn hear(&mut self) -> Said {
        loop {
            if let Some((packet, len)) = next_packet(&self.unread).expect("the venue's own packet")
            {
                let said = match packet {
                    Packet::Accepted(accepted) => {
                        Some(Said::Accepted(accepted.sequence().unwrap()))
                    }
                    Packet::Rejected(letter) => Some(Said::Rejected(letter.into())),
                    Packet::Sequenced(message) => Some(Said::Told(message.to_vec())),
                    Packet::ServerHeartbeat | Packet::EndOfSession => None,
                    Packet::Debug(_)
                    | Packet::Login { .. }
                    | Packet::Unsequenced(_)
                    | Packet::ClientHeartbeat
                    | Packet::Logout => panic!("no packet of a server: {packet:?}"),
                };
                self.unread.drain(..len);
                match said {
                    Some(said) => return said,
                    None => continue,
                }
            }
            let mut bytes = [0; 4_096];
            match self.stream.read(&mut bytes) {
                Ok(0) => return Said::Gone,
                Ok(len) => self.unread.extend_from_slice(&bytes[..len]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Said::Gone,
                Err(error) => panic!("nothing was said: {error}"),
            }
        }
    }

    /// The answer to an OUCH message.
    pub(super) fn ask(&mut self, message: &[u8]) -> Vec<u8> {
        self.send(message);
        let said = self.hear();
        let Said::Told(answer) = said else { panic!("{message:?} is answered with {said:?}") };
        answer
    }
}

/// Everything that a login was told since the day began.
pub(super) fn stream_of(venue: SocketAddr, user: &str) -> Vec<Vec<u8>> {
    let mut client = Client::connect(venue);
    client.log_in(user, PASSWORD, "", 0);
    let Said::Accepted(next) = client.hear() else { panic!("{user} is let in") };
    client.log_out();
    let mut client = Client::connect(venue);
    client.log_in(user, PASSWORD, "", 1);
    assert_eq!(client.hear(), Said::Accepted(1), "{user} hears all of it");
    let told = (1..next).map(|number| {
        let said = client.hear();
        let Said::Told(message) = said else { panic!("message {number} of {user}: {said:?}") };
        message
    });
    let told = told.collect();
    client.log_out();
    told
}

/// An order for the day that everybody sees; `side`: any letter, `price` in units of 1e-4.
pub(super) fn order(user_ref: u32, side: u8, quantity: u32, symbol: &str, price: u64) -> Vec<u8> {
    let order = kit::order::order(user_ref, Side::Buy, quantity, symbol, price);
    kit::order::bytes(&EnterOrder { side, ..order }, &[])
}

pub(super) fn cancel(user_ref: u32) -> Vec<u8> {
    let m = CancelOrder { header: Head::new(), user_ref: user_ref.into(), quantity: 0.into() };
    let mut out = [0; 64];
    let len = m.encode(Appendage::ABSENT, &mut out).unwrap();
    out[..len].to_vec()
}

pub(super) fn replace(orig: u32, user_ref: u32, quantity: u32, price: u64) -> Vec<u8> {
    let m = ReplaceOrder {
        header: Head::new(),
        orig_user_ref: orig.into(),
        user_ref: user_ref.into(),
        quantity: quantity.into(),
        price: price.into(),
        time_in_force: b'0',
        display: b'Y',
        intermarket_sweep: b'N',
        cl_ord_id: [b' '; 14],
    };
    let mut out = [0; 64];
    let len = m.encode(Appendage::ABSENT, &mut out).unwrap();
    out[..len].to_vec()
}

/// A message in a few words: its letter and the order's number, and why where it was rejected.
pub(super) fn words(answer: &[u8]) -> String {
    let message = outbound::Message::parse(answer).expect("the venue's own message");
    if let outbound::Message::Rejected(m, _) = message {
        return format!("J {} {:?}", m.user_ref(), m.reason().unwrap());
    }
    // Each begins with its letter, the time of day and the order's number.
    let (letter, number) = (char::from(answer[0]), answer[9..13].try_into().unwrap());
    format!("{letter} {}", u32::from_be_bytes(number))
}
