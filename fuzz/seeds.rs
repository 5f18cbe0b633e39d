//! Writes the seeds of every fuzz target with our own encoders: `cargo run --example seeds` in `fuzz/`.
//!
//! Nothing recorded is in them, and the same source writes the same bytes.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::{fs, io};
use wire::ouch50::{self, Appendage, AppendageWriter, TagValue, inbound, outbound};
use wire::{binaryfile, deep10, frame, glimpse, iextp, itch50, moldudp64, pcap, soupbintcp};

const SESSION: [u8; 10] = *b"SEED000001";
const STOCK: [u8; 8] = *b"SEED    ";
const TIME: u64 = 34_200_000_000_000;

fn main() -> io::Result<()> {
    let itch = itch_messages();
    let deep = deep_messages();
    let mold = mold_packets(&itch);
    write("itch50", &itch)?;
    write("ouch50", &ouch_messages())?;
    write("moldudp64", &mold)?;
    write("soupbintcp", &soup_streams(&itch))?;
    write("binaryfile", &files(&itch))?;
    write("iextp", &[deep.clone(), vec![segment(&deep), segment(&[])]].concat())?;
    write("capture", &captures(&mold))?;
    write("book", &scripts())?;
    write("matching", &commands())?;
    write("floor", &days())?;
    write("port", &requests())
}

/// One file a seed, numbered in order.
fn write(target: &str, seeds: &[Vec<u8>]) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&folder)?;
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("{number:02}")), seed)?;
    }
    Ok(())
}

/// Books by order and by level, roomy and cramped: instruments, orders and levels, then drawn words.
fn scripts() -> Vec<Vec<u8>> {
    let heads: [([u8; 5], usize); 5] = [
        ([0, 2, 200, 200, 0], 150),
        ([0, 3, 6, 4, 0], 150),
        ([0, 1, 255, 255, 0], 250),
        ([255, 2, 0, 200, 0], 150),
        ([255, 1, 0, 3, 0], 100),
    ];
    heads.iter().zip(1..).map(|((head, words), seed)| drawn(head, words * 8, seed)).collect()
}

/// The exchange's own books, plain, with terms, by each policy, dark, with a quote told, and cramped:
/// orders, far levels, places for terms with whether a reduced order keeps its own, and the kind of the
/// books; then drawn words.
fn commands() -> Vec<Vec<u8>> {
    let heads = [
        ([63, 3, 126, 16], 200),
        ([63, 3, 127, 0], 200),
        ([63, 3, 126, 32], 200),
        ([63, 3, 126, 2], 150),
        ([63, 3, 126, 3], 150),
        ([63, 3, 126, 44], 150),
        ([6, 1, 4, 0], 100),
        ([0, 0, 0, 0], 20),
    ];
    heads.iter().zip(11..).map(|((head, words), seed)| drawn(head, words * 16, seed)).collect()
}

/// Days of the exchange, by hand and by schedule, plain, with bands and with limits: room for orders, for
/// those that wait and those with a time, whether a reduced order keeps its place, and the rules of two
/// instruments, then drawn words.
fn days() -> Vec<Vec<u8>> {
    let heads = [
        ([47, 23, 11, 0, 2, 2], 300),
        ([47, 23, 11, 1, 3, 15], 300),
        ([47, 23, 11, 0, 18, 30], 300),
        ([3, 2, 1, 0, 0, 1], 100),
    ];
    heads.iter().zip(21..).map(|((head, words), seed)| drawn(head, words * 10, seed)).collect()
}

/// A head and as many bytes as it says.
fn drawn(head: &[u8], len: usize, seed: u64) -> Vec<u8> {
    let mut random = seed;
    let mut script = head.to_vec();
    script.extend((0..len).map(|_| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 32) as u8
    }));
    script
}

/// A message of each type: plain zeros after the type for those without an order in them.
fn itch_messages() -> Vec<Vec<u8>> {
    let add = itch50::AddOrder {
        header: itch50::Head::new(1, 0, TIME),
        order_ref: 1_001.into(),
        side: itch50::Side::Buy.byte(),
        shares: 100.into(),
        stock: STOCK,
        price: 1_234_500.into(),
    };
    let executed = itch50::OrderExecuted {
        header: itch50::Head::new(1, 0, TIME + 1),
        order_ref: 1_001.into(),
        shares: 40.into(),
        match_number: 7.into(),
    };
    let mut seeds = vec![add.as_bytes().to_vec(), executed.as_bytes().to_vec()];
    for (kind, len) in itch50::MESSAGE_LENGTHS {
        seeds.push(blank(*kind, (*len).into()));
    }
    seeds.push(glimpse::EndOfSnapshot::new(12_345).as_bytes().to_vec());
    seeds
}

/// An order, its acceptance and a rejection with options good and bad, then a message of each type:
/// plain zeros after the type, so its appendage is empty or not there.
fn ouch_messages() -> Vec<Vec<u8>> {
    let mut room = [0; ouch50::APPENDAGE_MAX];
    let mut options = AppendageWriter::new(&mut room);
    for value in [
        TagValue::Firm(*b"SEED"),
        TagValue::MinQty(100),
        TagValue::PriceType(ouch50::PriceType::Limit),
        TagValue::PegOffset(-100),
        TagValue::UserRefIdx(1),
    ] {
        options.push(value).expect("each once, so all fit");
    }
    let options = options.finish();
    let enter = inbound::EnterOrder {
        header: inbound::Head::new(),
        user_ref: 1.into(),
        side: ouch50::Side::Buy.byte(),
        quantity: 100.into(),
        symbol: STOCK,
        price: 1_234_500.into(),
        time_in_force: ouch50::TimeInForce::Day.byte(),
        display: ouch50::Display::Visible.byte(),
        capacity: ouch50::Capacity::Agency.byte(),
        intermarket_sweep: ouch50::Flag::No.byte(),
        cross: ouch50::CrossType::Continuous.byte(),
        cl_ord_id: *b"SEED          ",
    };
    let rejected = outbound::Rejected {
        header: outbound::Head::new(TIME),
        user_ref: 1.into(),
        reason: ouch50::RejectReason::InvalidPrice.number().into(),
        cl_ord_id: enter.cl_ord_id,
    };
    let mut out = [0; 256];
    let mut seeds = Vec::new();
    for appendage in [options, Appendage::EMPTY, Appendage::ABSENT] {
        let len = enter.encode(appendage, &mut out).expect("256 bytes are enough");
        seeds.push(out[..len].to_vec());
        let len = rejected.encode(appendage, &mut out).expect("256 bytes are enough");
        seeds.push(out[..len].to_vec());
    }
    // Unknown, repeated, of a wrong width, cut, and without a tag.
    let bad: [&[u8]; 5] =
        [&[2, 99, 1], &[2, 28, 1, 2, 28, 1], &[3, 28, 1, 1], &[5, 2, b'S'], &[0, 28, 1]];
    for options in bad {
        seeds.push([&[b'Q', 0, options.len() as u8], options].concat());
    }
    for (kind, len) in [inbound::MESSAGE_LENGTHS, outbound::MESSAGE_LENGTHS].concat() {
        seeds.push(blank(kind, len.into()));
    }
    seeds
}

fn deep_messages() -> Vec<Vec<u8>> {
    let level = deep10::BuyLevel {
        header: deep10::Head::new(),
        flags: 1,
        timestamp: 1_700_000_000_000_000_000.into(),
        symbol: STOCK,
        size: 300.into(),
        price: 1_234_500.into(),
    };
    let lengths = deep10::MESSAGE_LENGTHS.iter();
    let mut seeds = vec![level.as_bytes().to_vec()];
    seeds.extend(lengths.map(|(kind, len)| blank(*kind, (*len).into())));
    seeds
}

fn blank(kind: u8, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    bytes[0] = kind;
    bytes
}

fn mold_packets(messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut out = [0; 1_400];
    let mut packet =
        moldudp64::PacketBuilder::new(&mut out, 1_400, SESSION, 1).expect("room for a header");
    for message in messages {
        packet.push(message).expect("all fit one packet");
    }
    vec![
        packet.finish().to_vec(),
        moldudp64::heartbeat(SESSION, 27).to_vec(),
        moldudp64::end_of_session(SESSION, 27).to_vec(),
        moldudp64::Request { session: SESSION, sequence: 3, count: 4 }.to_bytes().to_vec(),
    ]
}

fn segment(messages: &[Vec<u8>]) -> Vec<u8> {
    let header = iextp::Header {
        version: iextp::VERSION,
        reserved: 0,
        protocol: iextp::DEEP_1_0.into(),
        channel: 1.into(),
        session: 9.into(),
        payload_len: 0.into(),
        count: 0.into(),
        stream_offset: 0.into(),
        sequence: 1.into(),
        sent_ns: 1_700_000_000_000_000_000.into(),
    };
    let mut out = [0; 1_400];
    let built = iextp::SegmentBuilder::new(&mut out, 1_400, &header);
    let mut built = built.expect("room for a header");
    for message in messages {
        built.push(message).expect("all fit one segment");
    }
    built.finish().to_vec()
}

/// What clients of three ports may send, step by step: see the target.
fn requests() -> Vec<Vec<u8>> {
    let step =
        |conn: u8, kind: u8, bytes: &[u8]| [&[kind << 2 | conn, bytes.len() as u8], bytes].concat();
    let request = |conn: u8, bytes: &[u8]| step(conn, 3, bytes);
    let order = |conn: u8, user_ref: u32, side: u8, quantity: u32, options: &[TagValue]| {
        let mut room = [0; ouch50::APPENDAGE_MAX];
        let mut writer = AppendageWriter::new(&mut room);
        for value in options {
            writer.push(*value).expect("each once, so all fit");
        }
        let enter = inbound::EnterOrder {
            header: inbound::Head::new(),
            user_ref: user_ref.into(),
            side,
            quantity: quantity.into(),
            symbol: STOCK,
            price: 1_234_500.into(),
            time_in_force: ouch50::TimeInForce::Day.byte(),
            display: ouch50::Display::Visible.byte(),
            capacity: ouch50::Capacity::Agency.byte(),
            intermarket_sweep: ouch50::Flag::No.byte(),
            cross: ouch50::CrossType::Continuous.byte(),
            cl_ord_id: *b"SEED          ",
        };
        let mut out = [0; 256];
        let len = enter.encode(writer.finish(), &mut out).expect("256 bytes are enough");
        request(conn, &out[..len])
    };
    let replace = |conn: u8, orig: u32, user_ref: u32, quantity: u32| {
        let replace = inbound::ReplaceOrder {
            header: inbound::Head::new(),
            orig_user_ref: orig.into(),
            user_ref: user_ref.into(),
            quantity: quantity.into(),
            price: 1_234_600.into(),
            time_in_force: ouch50::TimeInForce::Day.byte(),
            display: ouch50::Display::Visible.byte(),
            intermarket_sweep: ouch50::Flag::No.byte(),
            cl_ord_id: *b"SEED          ",
        };
        let mut out = [0; 256];
        let len = replace.encode(Appendage::EMPTY, &mut out).expect("256 bytes are enough");
        request(conn, &out[..len])
    };
    let cancel = |conn: u8, user_ref: u32, quantity: u32| {
        let [user_ref, quantity] = [user_ref, quantity].map(u32::to_be_bytes);
        request(conn, &[b"X".as_slice(), &user_ref, &quantity].concat())
    };
    let mass = |conn: u8, user_ref: u32| {
        request(conn, &[b"C", user_ref.to_be_bytes().as_slice(), b"SEED        \0\0"].concat())
    };
    let traded = [
        order(0, 1, b'B', 300, &[TagValue::UserRefIdx(0)]),
        order(2, 1, b'S', 100, &[TagValue::Side(ouch50::Side::Sell)]),
        order(2, 2, b'S', 100, &[]),
        replace(0, 1, 2, 500),
        cancel(0, 2, 200),
        step(0, 1, b""),
        order(2, 3, b'T', 50, &[TagValue::PostOnly(ouch50::PostOnly::No)]),
    ];
    let own = [
        order(0, 1, b'B', 300, &[]),
        order(1, 1, b'S', 100, &[]),
        order(1, 2, b'S', 300, &[TagValue::AiqStrategy(ouch50::AiqStrategy::CancelOldestMpid)]),
        request(0, b"M\0\0\0\x01B\0\0\0\x10"),
        request(0, b"Q"),
        step(1, 1, b""),
    ];
    let swept = [
        (1..=8).flat_map(|user_ref| order(0, user_ref, b'B', 10, &[])).collect(),
        mass(0, 9),
        request(0, b"D\0\0\0\x0aSEED\0\0"),
        order(0, 11, b'B', 10, &[]),
        request(0, b"E\0\0\0\x0cSEED\0\0"),
        step(0, 2, &[0; 200]),
        step(3, 0, b"\0\x01R"),
    ];
    vec![traded.concat(), own.concat(), swept.concat()]
}

fn soup_streams(messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
    use soupbintcp::Packet;
    let login = soupbintcp::Login::new("seed", "word", "", 1).expect("names fit");
    let accepted = soupbintcp::Accepted::new(SESSION, 1);
    let client = [
        Packet::Login { login: &login, heartbeat_timeout: Some(b"   15") },
        Packet::ClientHeartbeat,
        Packet::Unsequenced(b"hello"),
        Packet::Logout,
    ];
    let mut server = vec![Packet::Debug(b"welcome"), Packet::Accepted(&accepted)];
    server.extend(messages.iter().map(|message| Packet::Sequenced(message)));
    server.extend([Packet::ServerHeartbeat, Packet::EndOfSession]);
    let refused =
        [Packet::Login { login: &login, heartbeat_timeout: None }, Packet::Rejected(b'A')];
    [&client[..], &server, &refused].map(stream).to_vec()
}

fn stream(packets: &[soupbintcp::Packet<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for packet in packets {
        let mut out = [0; 128];
        let len = packet.encode(&mut out).expect("128 bytes are enough");
        bytes.extend(&out[..len]);
    }
    bytes
}

fn files(messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut file = Vec::new();
    for message in messages {
        let mut out = [0; 64];
        let len = binaryfile::encode(message, &mut out).expect("64 bytes are enough");
        file.extend(&out[..len]);
    }
    let cut = file[..file.len() - 5].to_vec();
    let ended = [&file[..], &binaryfile::END].concat();
    vec![file, cut, ended, vec![0; 8]]
}

/// The packets as pcap, as pcapng, and a bare frame.
fn captures(packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let source = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 4_000);
    let group = SocketAddrV4::new(Ipv4Addr::new(239, 1, 2, 3), 26_400);
    let frames: Vec<Vec<u8>> = packets
        .iter()
        .map(|packet| {
            let mut out = [0; 1_500];
            let len = frame::encode_udp4(source, group, 1, packet, &mut out).expect("room");
            out[..len].to_vec()
        })
        .collect();
    let mut classic = pcap::FILE_HEADER.to_vec();
    for frame in &frames {
        classic.extend(pcap::record_header(TIME, frame.len()).expect("a small frame"));
        classic.extend(frame);
    }
    vec![classic, pcapng(&frames), frames[1].clone()]
}

/// A section, an interface with nanosecond times, the frames.
fn pcapng(frames: &[Vec<u8>]) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let len = (12 + body.len() as u32).to_le_bytes();
        [&kind.to_le_bytes()[..], &len, &body, &len].concat()
    };
    let section = [0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255];
    let interface = [1, 0, 0, 0, 0, 0, 4, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0];
    let mut bytes = [block(0x0A0D_0D0A, &section), block(1, &interface)].concat();
    for frame in frames {
        let len = frame.len() as u32;
        let numbers = [0, 0, 9, len, len].map(u32::to_le_bytes).concat();
        bytes.extend(block(6, &[&numbers[..], frame].concat()));
    }
    bytes
}
