//! Blocks written by hand, in both byte orders, and what may be wrong with them.

extern crate std;

use super::*;
use crate::capture::Capture;
use proptest::prelude::*;
use std::vec::Vec;

/// Writes blocks in one byte order.
#[derive(Clone, Copy)]
struct Writer {
    big: bool,
}

impl Writer {
    fn u16(self, value: u16) -> Vec<u8> {
        if self.big { value.to_be_bytes().to_vec() } else { value.to_le_bytes().to_vec() }
    }

    fn u32(self, value: u32) -> Vec<u8> {
        if self.big { value.to_be_bytes().to_vec() } else { value.to_le_bytes().to_vec() }
    }

    fn i64(self, value: i64) -> Vec<u8> {
        if self.big { value.to_be_bytes().to_vec() } else { value.to_le_bytes().to_vec() }
    }

    /// Pads the body to a multiple of four and puts type and lengths around it.
    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let padding = std::vec![0; body.len().next_multiple_of(4) - body.len()];
        let len = self.u32((12 + body.len() + padding.len()) as u32);
        [self.u32(kind), len.clone(), body.to_vec(), padding, len].concat()
    }

    fn section(self) -> Vec<u8> {
        let body = [self.u32(0x1A2B_3C4D), self.u16(1), self.u16(0), self.i64(-1)].concat();
        self.block(0x0A0D_0D0A, &body)
    }

    fn interface(self, link: u16, snap: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = [self.u16(link), self.u16(0), self.u32(snap)].concat();
        for (code, value) in options {
            body.extend([self.u16(*code), self.u16(value.len() as u16), value.to_vec()].concat());
            body.resize(body.len().next_multiple_of(4), 0);
        }
        self.block(1, &body)
    }

    fn packet(self, interface: u32, ticks: u64, frame: &[u8]) -> Vec<u8> {
        let len = frame.len() as u32;
        let (high, low) = ((ticks >> 32) as u32, ticks as u32);
        let numbers = [interface, high, low, len, len + 1].map(|number| self.u32(number)).concat();
        self.block(6, &[numbers, frame.to_vec()].concat())
    }

    fn simple(self, original_len: u32, frame: &[u8]) -> Vec<u8> {
        self.block(3, &[self.u32(original_len), frame.to_vec()].concat())
    }
}

fn walk(bytes: &[u8]) -> Vec<Result<Frame<'_>, BadCapture>> {
    Capture::open(bytes).unwrap().collect()
}

#[test]
fn every_packet_block_is_read_in_both_orders() {
    for big in [false, true] {
        let w = Writer { big };
        let old_body =
            [w.u16(1), w.u16(9), w.u32(0), w.u32(3), w.u32(1), w.u32(1), std::vec![0xEE]];
        let bytes = [
            w.section(),
            w.block(0x0BAD, &[1, 2, 3]), // unknown: skipped
            w.interface(1, 4, &[(14, &w.i64(100)), (9, &[9]), (0, &[])]),
            w.interface(113, 0, &[]),
            w.packet(0, 5, &[1, 2, 3]),
            w.packet(1, 1 << 32, &[4]),
            w.simple(6, &[1, 2, 3, 4]),
            w.block(2, &old_body.concat()),
        ]
        .concat();
        let frames: Vec<_> = walk(&bytes).into_iter().map(Result::unwrap).collect();
        let got: Vec<_> =
            frames.iter().map(|f| (f.time_ns, f.link, f.bytes, f.original_len)).collect();
        let want: [(u64, u16, &[u8], u32); 4] = [
            (100_000_000_005, 1, &[1, 2, 3], 4), // nanoseconds, and an offset of 100 s
            (4_294_967_296_000, 113, &[4], 2),   // microseconds
            (0, 1, &[1, 2, 3, 4], 6),            // cut to the interface's limit
            (3_000, 113, &[0xEE], 1),
        ];
        assert_eq!(got, want, "big={big}");
        assert_eq!(frames[0].offset, 28 + 16 + 44 + 20);
    }
}

#[test]
fn a_section_begins_anew() {
    let (little, big) = (Writer { big: false }, Writer { big: true });
    let first = [little.section(), little.interface(1, 0, &[]), little.packet(0, 1, &[1])].concat();
    let second = [big.section(), big.interface(276, 0, &[]), big.packet(0, 2, &[2])].concat();
    let both = [&first[..], &second].concat();
    let got: Vec<_> =
        walk(&both).into_iter().map(|f| f.map(|f| (f.time_ns, f.link)).unwrap()).collect();
    assert_eq!(got, [(1_000, 1), (2_000, 276)]);

    let orphan = [&first[..], &big.section(), &big.packet(0, 2, &[2])].concat();
    let offset = (first.len() + 28) as u64;
    let want = Err(BadCapture::UnknownInterface { offset, interface: 0 });
    assert_eq!(walk(&orphan).last(), Some(&want));
}

#[test]
fn a_time_unit_is_a_power_of_ten_or_two() {
    let w = Writer { big: false };
    let cases: [(u8, u64, Option<u64>); 8] = [
        // code, ticks, nanoseconds
        (0, 3, Some(3_000_000_000)),
        (3, 3, Some(3_000_000)),
        (9, u64::MAX, Some(u64::MAX)),
        (12, 3_999, Some(3)),
        (0, u64::MAX, Some(u64::MAX)), // held at the largest
        (0x80 | 10, 1_024, Some(1_000_000_000)),
        (0x80 | 127, 3, Some(0)),
        (39, 1, None),
    ];
    for (code, ticks, want) in cases {
        let interface = w.interface(1, 0, &[(9, &[code])]);
        let bytes = [w.section(), interface, w.packet(0, ticks, &[])].concat();
        let got = walk(&bytes)[0].map(|frame| frame.time_ns);
        assert_eq!(got, want.ok_or(BadCapture::WrongTimeUnit { offset: 28, code }), "code={code}");
    }
}

#[test]
fn absurd_blocks_are_refused_with_their_place() {
    let w = Writer { big: false };
    let head = [w.section(), w.interface(1, 0, &[])].concat();
    let at = head.len() as u64;
    let with = |block: &[u8]| walk(&[&head[..], block].concat()).pop().unwrap().map(|_| ());
    let wrong = |len| Err(BadCapture::WrongBlockLength { offset: at, len });

    let stated = |len: u32, end: u32| [w.u32(6), w.u32(len), std::vec![0; 20], w.u32(end)].concat();
    assert_eq!(with(&stated(0, 0)), wrong(0), "a length of zero must not loop");
    assert_eq!(with(&stated(8, 8)), wrong(8));
    assert_eq!(with(&stated(30, 30)), wrong(30));
    assert_eq!(with(&stated(32, 28)), wrong(32), "the second length differs");
    assert_eq!(with(&w.block(6, &[0; 16])), wrong(28), "too short for its type");
    assert_eq!(with(&w.block(1, &[0; 4])), wrong(16));
    assert_eq!(with(&w.simple(5, &[1, 2, 3, 4])), wrong(20));
    assert_eq!(with(&w.interface(1, 0, &[(9, &[])])), wrong(24), "an option without its value");

    let long = [w.u32(0), w.u32(0), w.u32(0), w.u32(300_000), w.u32(0)].concat();
    let want = Err(BadCapture::FrameTooLong { offset: at, len: 300_000 });
    assert_eq!(with(&w.block(6, &long)), want);
    let beyond = [w.u32(0), w.u32(0), w.u32(0), w.u32(5), w.u32(5), std::vec![0; 4]].concat();
    assert_eq!(with(&w.block(6, &beyond)), wrong(36), "a frame that runs past its block");

    let mut odd = w.section();
    odd[8] = 0;
    let want = Err(BadCapture::UnknownByteOrder { offset: at, mark: 0x003C_2B1A });
    assert_eq!(with(&odd), want);
    let mut newer = w.section();
    newer[12] = 2;
    assert_eq!(with(&newer), Err(BadCapture::UnknownVersion { offset: at, major: 2 }));
}

#[test]
fn cut_anywhere_it_says_where() {
    let w = Writer { big: true };
    let blocks =
        [w.section(), w.interface(1, 0, &[]), w.packet(0, 1, &[1, 2]), w.packet(0, 2, &[3])];
    let whole = blocks.concat();
    let mut starts = std::vec![0];
    for block in &blocks {
        starts.push(starts[starts.len() - 1] + block.len());
    }
    for len in 4..whole.len() {
        let last = walk(&whole[..len]).pop();
        let start = *starts.iter().rev().find(|start| **start <= len).unwrap();
        if start == len {
            assert!(!matches!(last, Some(Err(_))), "len={len}");
            continue;
        }
        let Some(Err(BadCapture::Truncated { offset, left, .. })) = last else {
            panic!("len={len}: {last:?}")
        };
        assert_eq!((offset, left), (start as u64, (len - start) as u64), "len={len}");
    }
}

proptest! {
    #[test]
    fn arbitrary_blocks_end(
        kinds in prop::collection::vec((0..8_u32, prop::collection::vec(0..4_u8, 0..60)), 0..9),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        big: bool,
    ) {
        let w = Writer { big };
        let mut bytes = w.section();
        for (kind, body) in &kinds {
            bytes.extend(w.block(*kind, body));
        }
        for (place, value) in &flips {
            let at = 4.max(place.index(bytes.len()));
            bytes[at] = *value;
        }
        prop_assert!(walk(&bytes).len() <= bytes.len() / 12 + 1);
    }
}
