//! Recorded market data, read whole: every message known, every count as published, every byte written back.

use crate::kit::recorded;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use wire::binaryfile::{self, Misframed, Records};
use wire::capture::Capture;
use wire::frame::{Carried, decode};
use wire::soupbintcp::Packet;
use wire::{deep10, iextp, itch50, moldudp64, ouch50, soupbintcp};

type Census = BTreeMap<char, u64>;

fn census(counts: &[(char, u64)]) -> Census {
    counts.iter().copied().collect()
}

#[test]
fn the_apple_recording_has_its_census() {
    let Some(path) = recorded("itch/aapl-20200130-10k.itch50") else { return };
    let file = fs::read(path).expect("recording is readable");
    assert_eq!(file.len(), 307_643);
    let mut seen = Census::new();
    let mut written = Vec::new();
    for record in Records::new(&file) {
        let record = record.expect("every prefix is right");
        let message = itch50::Message::parse(record.message).expect("every message is known");
        *seen.entry(message.header().kind().into()).or_default() += 1;
        assert!(matches!(message.header().locate(), 0 | 13));

        let mut out = [0; 64];
        let len = binaryfile::encode(message.as_bytes(), &mut out).expect("64 bytes are enough");
        written.extend_from_slice(&out[..len]);
    }
    let want = [
        ('A', 4758),
        ('D', 4083),
        ('E', 849),
        ('P', 240),
        ('L', 52),
        ('U', 7),
        ('X', 6),
        ('F', 2),
        ('R', 1),
        ('H', 1),
        ('Y', 1),
    ];
    assert_eq!(seen, census(&want));
    assert!(written == file, "written back, the file is the same");
}

#[test]
fn the_cut_recording_gives_every_whole_message_and_then_the_place() {
    let Some(path) = recorded("itch/truncated-4096.itch50") else { return };
    let file = fs::read(path).expect("recording is readable");
    let mut whole = 0;
    let mut faults = Vec::new();
    for record in Records::new(&file) {
        match record {
            Ok(record) => {
                itch50::Message::parse(record.message).expect("every whole message is known");
                whole += 1;
            }
            Err(fault) => faults.push(fault),
        }
    }
    assert_eq!(whole, 101);
    assert_eq!(faults, [Misframed::Truncated { offset: 4081, want: 41, left: 15 }]);
}

#[test]
fn the_misframed_recording_is_refused_at_its_first_prefix() {
    let Some(path) = recorded("itch/misframed-zero-lengths.itch50") else { return };
    let file = fs::read(path).expect("recording is readable");
    let all: Vec<_> = Records::new(&file).collect();
    assert_eq!(all, [Err(Misframed::ZeroLength { offset: 0 })]);
}

/// The captures of a folder, in a fixed order.
fn captures(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("folder is readable");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("entry is readable").path()).collect();
    paths.sort();
    paths
}

#[test]
fn captured_nasdaq_datagrams_decode_and_encode_to_the_same_bytes() {
    let Some(folder) = recorded("pcap/Nasdaq.Equities.TotalView.Itch.v5.0") else { return };
    let mut counts = Vec::new();
    for path in captures(&folder) {
        let file = fs::read(&path).expect("capture is readable");
        for frame in Capture::open(&file).expect("magic is known") {
            let frame = frame.expect("record is whole");
            let Ok(Carried::Udp(datagram)) = decode(frame.link, frame.bytes) else {
                panic!("{}: no UDP at {}", path.display(), frame.offset)
            };
            let packet = moldudp64::Packet::parse(datagram.payload).expect("blocks add up");
            let mut out = [0; 2_048];
            let (session, sequence) = (*packet.session(), packet.sequence());
            let mut again =
                moldudp64::PacketBuilder::new(&mut out, 1_500, session, sequence).expect("room");
            for block in packet.blocks() {
                let message = itch50::Message::parse(block).expect("every message is known");
                again.push(message.as_bytes()).expect("room");
            }
            assert_eq!(again.finish(), datagram.payload, "{}", path.display());
            counts.push(packet.count());
        }
    }
    assert_eq!(counts.len(), 9);
    assert_eq!(counts.iter().max(), Some(&38), "the fullest packet");
}

/// Each SoupBinTCP packet of the captures of a folder, with its bytes.
fn each_soup_packet(folder: &Path, mut take: impl FnMut(&Packet<'_>, &[u8])) {
    for path in captures(folder) {
        let file = fs::read(&path).expect("capture is readable");
        for frame in Capture::open(&file).expect("magic is known") {
            let frame = frame.expect("record is whole");
            let Ok(Carried::Tcp(segment)) = decode(frame.link, frame.bytes) else {
                panic!("{}: no TCP at {}", path.display(), frame.offset)
            };
            let mut stream = segment.payload;
            while let Some((packet, len)) =
                soupbintcp::next_packet(stream).expect("packet is known")
            {
                take(&packet, &stream[..len]);
                stream = &stream[len..];
            }
            assert!(stream.is_empty(), "{}: a packet is cut", path.display());
        }
    }
}

#[test]
fn captured_soupbintcp_decodes_and_encodes_to_the_same_bytes() {
    let Some(folder) = recorded("pcap/Nasdaq.Nsm.Ouch.v5.0") else { return };
    let mut kinds = Vec::new();
    each_soup_packet(&folder, |packet, bytes| {
        let mut out = [0; 512];
        let again = packet.encode(&mut out).expect("room");
        assert_eq!(out[..again], *bytes);
        kinds.push(char::from(bytes[2]));
    });
    // In the order of the file names: cancel, canceled, client heartbeat, enter, accepted, server heartbeat.
    assert_eq!(kinds, ['U', 'S', 'R', 'U', 'S', 'H']);
}

/// The options of a captured message, written anew from their values.
fn options_again<'a>(
    appendage: ouch50::Appendage<'_>,
    room: &'a mut [u8],
) -> ouch50::Appendage<'a> {
    let mut writer = ouch50::AppendageWriter::new(room);
    for value in appendage.strict().expect("every option is known").iter() {
        writer.push(value).expect("each once, so all fit");
    }
    writer.finish()
}

/// A captured request made anew: each field is read as its type and put back.
fn request_again(bytes: &[u8]) -> Vec<u8> {
    use ouch50::inbound::{CancelOrder, EnterOrder, Head, Message};
    let message = Message::parse(bytes).expect("request is known");
    let (mut room, mut out) = ([0; ouch50::APPENDAGE_MAX], [0; 256]);
    let options = options_again(message.appendage(), &mut room);
    let len = if let Message::EnterOrder(m, _) = message {
        EnterOrder {
            header: Head::new(),
            user_ref: m.user_ref().into(),
            side: m.side().expect("side is listed").byte(),
            quantity: m.quantity().into(),
            symbol: m.symbol(),
            price: m.price().into(),
            time_in_force: m.time_in_force().expect("time in force is listed").byte(),
            display: m.display().expect("display is listed").byte(),
            capacity: m.capacity().expect("capacity is listed").byte(),
            intermarket_sweep: m.intermarket_sweep().expect("flag is listed").byte(),
            cross: m.cross().expect("cross is listed").byte(),
            cl_ord_id: m.cl_ord_id(),
        }
        .encode(options, &mut out)
    } else if let Message::CancelOrder(m, _) = message {
        CancelOrder {
            header: Head::new(),
            user_ref: m.user_ref().into(),
            quantity: m.quantity().into(),
        }
        .encode(options, &mut out)
    } else {
        panic!("not in the captures: {message:?}")
    };
    out[..len.expect("room")].to_vec()
}

/// A captured answer made anew: each field is read as its type and put back.
fn answer_again(bytes: &[u8]) -> Vec<u8> {
    use ouch50::outbound::{Accepted, Canceled, Head, Message};
    let message = Message::parse(bytes).expect("answer is known");
    let (mut room, mut out) = ([0; ouch50::APPENDAGE_MAX], [0; 256]);
    let options = options_again(message.appendage(), &mut room);
    let len = if let Message::Accepted(m, _) = message {
        Accepted {
            header: Head::new(m.header.timestamp()),
            user_ref: m.user_ref().into(),
            side: m.side().expect("side is listed").byte(),
            quantity: m.quantity().into(),
            symbol: m.symbol(),
            price: m.price().into(),
            time_in_force: m.time_in_force().expect("time in force is listed").byte(),
            display: m.display().expect("display is listed").byte(),
            order_ref: m.order_ref().into(),
            capacity: m.capacity().expect("capacity is listed").byte(),
            intermarket_sweep: m.intermarket_sweep().expect("flag is listed").byte(),
            cross: m.cross().expect("cross is listed").byte(),
            state: m.state().expect("state is listed").byte(),
            cl_ord_id: m.cl_ord_id(),
        }
        .encode(options, &mut out)
    } else if let Message::Canceled(m, _) = message {
        Canceled {
            header: Head::new(m.header.timestamp()),
            user_ref: m.user_ref().into(),
            quantity: m.quantity().into(),
            reason: m.reason().expect("reason is listed").byte(),
        }
        .encode(options, &mut out)
    } else {
        panic!("not in the captures: {message:?}")
    };
    out[..len.expect("room")].to_vec()
}

#[test]
fn captured_ouch_decodes_and_encodes_to_the_same_bytes() {
    let Some(folder) = recorded("pcap/Nasdaq.Nsm.Ouch.v5.0") else { return };
    let mut seen = Vec::new();
    each_soup_packet(&folder, |packet, _| {
        let message = if let Packet::Unsequenced(message) = packet {
            assert_eq!(request_again(message), *message);
            message
        } else if let Packet::Sequenced(message) = packet {
            assert_eq!(answer_again(message), *message);
            message
        } else {
            return;
        };
        seen.push((char::from(message[0]), message.len()));
    });
    // Cancel and canceled without an appendage; enter with a firm; accepted with a firm and a BBO weight.
    assert_eq!(seen, [('X', 9), ('C', 18), ('O', 53), ('A', 73)]);
}

#[test]
fn the_iex_capture_has_its_census_and_its_gaps() {
    let Some(path) = recorded("pcap/iex/deep10-head.pcap.gz") else { return };
    let mut file = Vec::new();
    let zipped = fs::File::open(path).expect("capture is readable");
    flate2::read::MultiGzDecoder::new(zipped).read_to_end(&mut file).expect("capture unzips");

    let mut seen = Census::new();
    let (mut segments, mut next, mut gaps) = (0, None, Vec::new());
    for frame in Capture::open(&file).expect("magic is known") {
        let frame = frame.expect("record is whole");
        let Ok(Carried::Udp(datagram)) = decode(frame.link, frame.bytes) else {
            panic!("no UDP at {}", frame.offset)
        };
        let segment = iextp::Segment::parse(datagram.payload).expect("blocks add up");
        assert_eq!(segment.protocol(), iextp::DEEP_1_0);
        segments += 1;
        let expected = next.unwrap_or(segment.sequence());
        if expected != segment.sequence() {
            gaps.push((expected, segment.sequence()));
        }
        next = Some(segment.sequence() + u64::from(segment.count()));

        let mut out = [0; 2_048];
        let mut again =
            iextp::SegmentBuilder::new(&mut out, 1_500, segment.header()).expect("room");
        for block in segment.blocks() {
            let message = deep10::Message::parse(block).expect("every message is known");
            *seen.entry(message.header().kind().into()).or_default() += 1;
            again.push(message.as_bytes()).expect("room");
        }
        assert_eq!(again.finish(), datagram.payload, "segment at {}", frame.offset);
    }
    assert_eq!(segments, 12_000);
    let want = [
        ('H', 33_531),
        ('O', 33_531),
        ('P', 33_529),
        ('T', 7_300),
        ('5', 1_365),
        ('8', 1_352),
        ('S', 18),
        ('E', 18),
    ];
    assert_eq!(seen, census(&want));
    // The publisher was restarted four times under the same session: its numbers began again at 1.
    assert_eq!(gaps, [(28_141, 1), (23_439, 1), (25_193, 1), (26_923, 1)]);
}
