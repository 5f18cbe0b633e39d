//! Both roles of SoupBinTCP, and the snapshot client, on any stream of bytes: the split does not
//! matter, sequenced messages are counted without a hole, the end comes once, buffers stay bounded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use session::SessionId;
use session::glimpse::{self, GlimpseConfig, Item};
use session::soup::{Client, Credentials, Event, Request, Server, SoupConfig, Version};
use types::{Nanos, SeqNo};

const NOW: Nanos = Nanos::from_secs(1);

fn config(version: u8) -> SoupConfig {
    let version = [Version::V300, Version::V400, Version::V410][usize::from(version % 3)];
    SoupConfig { version, packet_bytes_max: 64, transmit_bytes_max: 256, ..SoupConfig::default() }
}

/// What the client hears when the stream comes in such pieces.
fn client(config: SoupConfig, stream: &[u8], piece: usize) -> Vec<String> {
    let credentials = Credentials::new("ann", "secret", "").expect("fits");
    let mut client = Client::new(config, credentials);
    client.on_opened(NOW, SeqNo::new(1));
    let (mut heard, mut next, mut over) = (Vec::new(), 0, false);
    for mut rest in stream.chunks(piece) {
        while !rest.is_empty() {
            let taken = client.on_bytes(NOW, rest);
            assert!(0 < taken, "drained, so there is room");
            rest = &rest[taken..];
            while let Some(event) = client.poll() {
                assert!(!over, "after the end");
                heard.push(format!("{event:?}"));
                match event {
                    Event::Accepted { next: first, .. } => next = first.get(),
                    Event::Sequenced { sequence, .. } => {
                        assert_eq!(sequence.get(), next);
                        next += 1;
                    }
                    Event::Closed(_) => over = true,
                    Event::Rejected(_)
                    | Event::Unsequenced(_)
                    | Event::Debug(_)
                    | Event::EndOfSession => {}
                }
            }
        }
    }
    client.on_closed();
    while let Some(event) = client.poll() {
        assert!(!over);
        over = matches!(event, Event::Closed(_));
    }
    assert!(over && client.poll_transmit().is_none());
    heard
}

/// The same for the server, which lets everyone in and echoes.
fn server(config: SoupConfig, stream: &[u8], piece: usize) -> Vec<String> {
    let mut server = Server::new(config, NOW);
    let (mut heard, mut over) = (Vec::new(), false);
    for mut rest in stream.chunks(piece) {
        while !rest.is_empty() {
            let taken = server.on_bytes(NOW, rest);
            assert!(0 < taken, "drained, so there is room");
            rest = &rest[taken..];
            while let Some(request) = server.poll() {
                assert!(!over, "after the end");
                heard.push(format!("{request:?}"));
                match request {
                    Request::Login { .. } => {
                        server.accept(NOW, SessionId::default(), SeqNo::new(9))
                    }
                    Request::Unsequenced(message) => {
                        let message = Vec::from(message);
                        let wanted = server.wanted();
                        if let Ok(sequence) = server.send_sequenced(NOW, &message) {
                            assert_eq!(wanted, Some(sequence));
                        }
                    }
                    Request::Debug(_) => {}
                    Request::Closed(_) => over = true,
                }
                assert!(server.poll_transmit().is_none_or(|bytes| bytes.len() <= 256));
            }
        }
    }
    heard
}

/// And for the snapshot client: a snapshot begins before its messages, and ends once.
fn snapshot(config: SoupConfig, stream: &[u8], piece: usize) -> Vec<String> {
    let credentials = Credentials::new("ann", "secret", "").expect("fits");
    let config = GlimpseConfig { soup: config, attempts_max: 1, ..GlimpseConfig::default() };
    let mut client = glimpse::Client::new(config, credentials);
    client.start(NOW);
    assert_eq!(client.poll(NOW), Some(Item::Open));
    client.on_opened(NOW);
    let (mut heard, mut begun, mut over) = (Vec::new(), false, false);
    for mut rest in stream.chunks(piece) {
        while !rest.is_empty() {
            let taken = client.on_bytes(NOW, rest);
            assert!(0 < taken, "drained, so there is room");
            rest = &rest[taken..];
            while let Some(item) = client.poll(NOW) {
                heard.push(format!("{item:?}"));
                match item {
                    Item::Begin => assert!(!core::mem::replace(&mut begun, true)),
                    Item::Message(_) => assert!(begun && !over),
                    Item::End { join } => assert!(begun && !over && join != SeqNo::new(0)),
                    Item::Failed(_) => assert!(!over),
                    Item::Close => {}
                    Item::Open | Item::Again(_) => panic!("one attempt only"),
                }
                over |= matches!(item, Item::End { .. } | Item::Failed(_));
            }
            assert_eq!(over, !client.is_busy());
        }
    }
    heard
}

fuzz_target!(|bytes: &[u8]| {
    let Some(([version, piece, login], stream)) = bytes.split_first_chunk() else { return };
    let config = config(*version);
    // Half of the streams begin with a good login or welcome, so that the rest is looked at.
    let mut to_client = Vec::new();
    let mut to_server = Vec::new();
    if login & 1 == 1 {
        to_client.extend(b"\0\x1fAS         ");
        to_client.extend(format!("{:20}", *login).bytes());
        to_server.extend(format!("\0/L{:6}{:10}{:10}{:20}", "ann", "secret", "", *login).bytes());
    }
    to_client.extend(stream);
    to_server.extend(stream);
    let piece = 1 + usize::from(*piece);
    assert_eq!(client(config, &to_client, piece), client(config, &to_client, 1));
    assert_eq!(server(config, &to_server, piece), server(config, &to_server, 1));
    assert_eq!(snapshot(config, &to_client, piece), snapshot(config, &to_client, 1));
});
