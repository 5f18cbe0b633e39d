//! SoupBinTCP 3.00, 4.00 and 4.10: packets on a TCP stream, both directions.
//!
//! Holds no state: [`next_packet`] looks at the bytes that have come and says whether a whole packet
//! is there. Login, heartbeats and the counting of sequenced messages are `session`'s. The versions
//! differ on the wire only in the login request (4.10 adds the heartbeat timeout) and in who may send
//! unsequenced data (a server from 4.00).
//!
//! Source: Nasdaq SoupBinTCP 3.00, 4.00 and 4.10, "SoupBinTCP Packet Types". Text is left-justified,
//! numbers are right-justified ASCII digits, both padded with spaces.

use crate::layout::write_parts;
use crate::malformed::held;
use crate::{Full, Malformed};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes of a packet's length prefix, which does not count itself.
const PREFIX: usize = 2;

/// The longest message that a sequenced or unsequenced packet carries.
pub const MESSAGE_MAX: usize = u16::MAX as usize - 1;

codes! {
    /// Why a login was refused.
    RejectReason in RejectReason {
        /// Not authorised: user name or password is wrong.
        NotAuthorised = b'A',
        /// The session asked for does not exist.
        NoSession = b'S',
    }
}

/// What a client asks for when it connects: the part that every version has.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Login {
    /// User name; case does not matter.
    pub user: [u8; 6],
    /// Password; case does not matter.
    pub password: [u8; 10],
    /// The session wanted; blank is the current one.
    pub session: [u8; 10],
    /// The next message wanted, as digits; 0 is from the most recent on.
    pub sequence: [u8; 20],
}

const _: () = assert!(size_of::<Login>() == 46);

impl Login {
    /// `None` where a name does not fit its field. See [`text`] for what fits.
    pub fn new(user: &str, password: &str, session: &str, sequence: u64) -> Option<Self> {
        Some(Self {
            user: text(user)?,
            password: text(password)?,
            session: text(session)?,
            sequence: padded_number(sequence),
        })
    }

    /// The next message wanted; 0 is from the most recent on.
    ///
    /// Errors: [`Malformed::NotANumber`], its offset from the start of the packet.
    pub fn sequence(&self) -> Result<u64, Malformed> {
        number(&self.sequence, 29)
    }
}

/// A server's welcome.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Accepted {
    /// The session that is now current.
    pub session: [u8; 10],
    /// The number of the next sequenced message, as digits.
    pub sequence: [u8; 20],
}

const _: () = assert!(size_of::<Accepted>() == 30);

impl Accepted {
    /// Session as the server names it, [`text`] pads it.
    pub fn new(session: [u8; 10], sequence: u64) -> Self {
        Self { session, sequence: padded_number(sequence) }
    }

    /// The number of the next sequenced message.
    ///
    /// Errors: [`Malformed::NotANumber`], its offset from the start of the packet.
    pub fn sequence(&self) -> Result<u64, Malformed> {
        number(&self.sequence, 13)
    }
}

/// One packet, its length checked against its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// `+`, either way: text for a person, ignored.
    Debug(&'a [u8]),
    /// `L`, client: wants to start.
    Login {
        /// Who and what.
        login: &'a Login,
        /// 4.10 only: the silence after which the server may hang up, in seconds, as digits.
        heartbeat_timeout: Option<&'a [u8; 5]>,
    },
    /// `A`, server: the login is good.
    Accepted(&'a Accepted),
    /// `J`, server: the login is refused; read the byte with [`RejectReason::from_byte`].
    Rejected(u8),
    /// `S`, server: the next sequenced message.
    Sequenced(&'a [u8]),
    /// `U`, either way: a message that is not numbered.
    Unsequenced(&'a [u8]),
    /// `H`, server: nothing new.
    ServerHeartbeat,
    /// `R`, client: nothing new.
    ClientHeartbeat,
    /// `Z`, server: the session is over.
    EndOfSession,
    /// `O`, client: wants to stop.
    Logout,
}

/// The first whole packet of a stream, and the bytes it took. `Ok(None)`: wait for more.
///
/// A length that its type cannot have is refused at once, before the bytes it announces have come.
///
/// Errors: [`Malformed::ZeroLength`], [`Malformed::UnknownType`], [`Malformed::WrongLength`] (lengths
/// with the type byte, without the prefix). After an error the stream cannot be framed any more.
#[inline]
pub fn next_packet(stream: &[u8]) -> Result<Option<(Packet<'_>, usize)>, Malformed> {
    let Some((prefix, rest)) = stream.split_first_chunk::<PREFIX>() else { return Ok(None) };
    let len = usize::from(u16::from_be_bytes(*prefix));
    if len == 0 {
        return Err(Malformed::ZeroLength { offset: 0 });
    }
    let Some((&kind, rest)) = rest.split_first() else { return Ok(None) };
    let payload_len = len - 1;
    check_length(kind, payload_len)?;
    let Some(payload) = rest.get(..payload_len) else { return Ok(None) };
    Ok(Some((packet(kind, payload)?, PREFIX + len)))
}

/// Whether packets of this type may carry so much.
fn check_length(kind: u8, payload_len: usize) -> Result<(), Malformed> {
    let want = match kind {
        b'+' | b'S' | b'U' => return Ok(()),
        // With or without the heartbeat timeout of 4.10.
        b'L' if payload_len == size_of::<Login>() + 5 => return Ok(()),
        b'L' => size_of::<Login>(),
        b'A' => size_of::<Accepted>(),
        b'J' => 1,
        b'H' | b'R' | b'Z' | b'O' => 0,
        kind => return Err(Malformed::UnknownType { kind }),
    };
    if payload_len == want { Ok(()) } else { Err(wrong_length(kind, want, payload_len)) }
}

#[cold]
fn wrong_length(kind: u8, want: usize, payload_len: usize) -> Malformed {
    Malformed::WrongLength { kind, want: held(1 + want), len: held(1 + payload_len) }
}

#[inline]
fn packet(kind: u8, payload: &[u8]) -> Result<Packet<'_>, Malformed> {
    let refused = || wrong_length(kind, 0, payload.len());
    Ok(match kind {
        b'S' => Packet::Sequenced(payload),
        b'U' => Packet::Unsequenced(payload),
        b'+' => Packet::Debug(payload),
        b'H' => Packet::ServerHeartbeat,
        b'R' => Packet::ClientHeartbeat,
        b'Z' => Packet::EndOfSession,
        b'O' => Packet::Logout,
        b'J' => Packet::Rejected(*payload.first().ok_or_else(refused)?),
        b'A' => Packet::Accepted(Accepted::ref_from_bytes(payload).map_err(|_| refused())?),
        b'L' => {
            let (login, timeout) = Login::ref_from_prefix(payload).map_err(|_| refused())?;
            Packet::Login { login, heartbeat_timeout: timeout.first_chunk() }
        }
        kind => return Err(Malformed::UnknownType { kind }),
    })
}

impl Packet<'_> {
    /// Writes it to the start of `out`, length prefix first; answers its whole length.
    ///
    /// Errors: [`Full`], also for a message over [`MESSAGE_MAX`] bytes, which no packet can carry.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, Full> {
        let (kind, parts): (u8, [&[u8]; 2]) = match self {
            Self::Debug(text) => (b'+', [text, &[]]),
            Self::Login { login, heartbeat_timeout } => {
                (b'L', [login.as_bytes(), heartbeat_timeout.map_or(&[], |timeout| timeout)])
            }
            Self::Accepted(accepted) => (b'A', [accepted.as_bytes(), &[]]),
            Self::Rejected(reason) => (b'J', [reason.as_bytes(), &[]]),
            Self::Sequenced(message) => (b'S', [message, &[]]),
            Self::Unsequenced(message) => (b'U', [message, &[]]),
            Self::ServerHeartbeat => (b'H', [&[], &[]]),
            Self::ClientHeartbeat => (b'R', [&[], &[]]),
            Self::EndOfSession => (b'Z', [&[], &[]]),
            Self::Logout => (b'O', [&[], &[]]),
        };
        let [first, second] = parts;
        let len = u16::try_from(1 + first.len() + second.len()).map_err(|_| Full)?;
        write_parts(&[&len.to_be_bytes(), &[kind], first, second], out)
    }
}

/// A text field: left-justified, padded with spaces. `None` unless it is printable ASCII that fits.
pub fn text<const N: usize>(value: &str) -> Option<[u8; N]> {
    let bytes = value.as_bytes();
    if !bytes.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
        return None;
    }
    let mut field = [b' '; N];
    field.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(field)
}

/// A number field: digits, right-justified, padded with spaces. `None` where it has too many digits.
pub fn number_field<const N: usize>(value: u64) -> Option<[u8; N]> {
    let mut field = [b' '; N];
    let mut rest = value;
    for place in field.iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return Some(field);
        }
    }
    None
}

/// A twenty-digit number field: every `u64` fits.
pub fn padded_number(value: u64) -> [u8; 20] {
    // u64::MAX has twenty digits, so the fallback is never taken.
    number_field(value).unwrap_or([b'9'; 20])
}

/// Reads a number field: digits with spaces on either side. `offset` goes into the error.
///
/// Errors: [`Malformed::NotANumber`] for anything else, a blank field and a number past `u64` included.
pub fn number(field: &[u8], offset: u16) -> Result<u64, Malformed> {
    let refused = Malformed::NotANumber { offset };
    let start = field.iter().position(|byte| *byte != b' ').ok_or(refused)?;
    let end = field.iter().rposition(|byte| *byte != b' ').ok_or(refused)?;
    let digits = field.get(start..=end).ok_or(refused)?;
    digits.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10).ok_or(refused)?;
        value.checked_mul(10).and_then(|tens| tens.checked_add(u64::from(digit))).ok_or(refused)
    })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// A 4.00 login by hand: user, password, session, sequence.
    const LOGIN: &[u8] = b"\x00\x2fLuser01secret          "; // length 47, then a blank session
    const LOGIN_SEQUENCE: &[u8] = b"                   1";

    #[test]
    fn layouts_are_those_of_the_specification() {
        let login = Login::new("user01", "secret", "", 1).unwrap();
        let accepted = Accepted::new(*b"000000059B", 15);
        let v4 = Packet::Login { login: &login, heartbeat_timeout: None };
        let v410 = Packet::Login { login: &login, heartbeat_timeout: Some(b"   15") };
        let cases: &[(Packet<'_>, Vec<u8>)] = &[
            (v4, [LOGIN, b"    ", LOGIN_SEQUENCE].concat()),
            (v410, [b"\x00\x34", &LOGIN[2..], b"    ", LOGIN_SEQUENCE, b"   15"].concat()),
            (Packet::Accepted(&accepted), b"\x00\x1fA000000059B                  15".to_vec()),
            (Packet::Rejected(b'A'), b"\x00\x02JA".to_vec()),
            (Packet::Sequenced(b"abc"), b"\x00\x04Sabc".to_vec()),
            (Packet::Unsequenced(b""), b"\x00\x01U".to_vec()),
            (Packet::Debug(b"hello"), b"\x00\x06+hello".to_vec()),
            (Packet::ServerHeartbeat, b"\x00\x01H".to_vec()),
            (Packet::ClientHeartbeat, b"\x00\x01R".to_vec()),
            (Packet::EndOfSession, b"\x00\x01Z".to_vec()),
            (Packet::Logout, b"\x00\x01O".to_vec()),
        ];
        for (packet, want) in cases {
            let mut out = [0; 128];
            let len = packet.encode(&mut out).unwrap();
            assert_eq!(out[..len], want[..], "{packet:?}");
            assert_eq!(next_packet(&out[..len]), Ok(Some((*packet, len))));
            for cut in 0..len {
                assert_eq!(next_packet(&out[..cut]), Ok(None), "{packet:?} cut at {cut}");
                assert_eq!(packet.encode(&mut [0; 128][..cut]), Err(Full));
            }
        }
        assert_eq!(cases[0].1.len(), 49);
        assert_eq!(cases[1].1.len(), 54);
        assert_eq!((login.sequence(), accepted.sequence()), (Ok(1), Ok(15)));
    }

    #[test]
    fn a_length_that_the_type_cannot_have_is_refused_before_it_has_come() {
        use Malformed as M;
        let cases: &[(&[u8], M)] = &[
            (b"\x00\x00", M::ZeroLength { offset: 0 }),
            (b"\x00\x02H", M::WrongLength { kind: b'H', want: 1, len: 2 }),
            (b"\x00\x01J", M::WrongLength { kind: b'J', want: 2, len: 1 }),
            (b"\xff\xffA", M::WrongLength { kind: b'A', want: 31, len: 0xFFFF }),
            (b"\x00\x30L", M::WrongLength { kind: b'L', want: 47, len: 48 }),
            (b"\x00\x35L", M::WrongLength { kind: b'L', want: 47, len: 53 }),
            (b"\x00\x01z", M::UnknownType { kind: b'z' }),
        ];
        for (stream, want) in cases {
            assert_eq!(next_packet(stream), Err(*want), "{stream:?}");
        }
    }

    #[test]
    fn fields_are_padded_and_read() {
        assert_eq!(text::<6>("abc"), Some(*b"abc   "));
        assert_eq!((text::<6>("abcdefg"), text::<6>("é"), text::<6>("a\n")), (None, None, None));
        assert_eq!(number_field::<5>(15), Some(*b"   15"));
        assert_eq!(number_field::<5>(0), Some(*b"    0"));
        assert_eq!(
            (number_field::<5>(99_999), number_field::<5>(100_000)),
            (Some(*b"99999"), None)
        );
        assert_eq!(padded_number(u64::MAX), *b"18446744073709551615");
        let blank = Login {
            user: *b"      ",
            password: [b' '; 10],
            session: [b' '; 10],
            sequence: [b' '; 20],
        };
        assert_eq!(blank.sequence(), Err(Malformed::NotANumber { offset: 29 }));
        assert_eq!(number(b"\t1", 3), Err(Malformed::NotANumber { offset: 3 }));
        assert_eq!(RejectReason::from_byte(b'S'), Ok(RejectReason::NoSession));
    }

    #[test]
    fn a_message_that_no_packet_can_carry_is_full() {
        let mut out = std::vec![0; 70_000];
        let longest = std::vec![7; MESSAGE_MAX];
        assert_eq!(Packet::Sequenced(&longest).encode(&mut out), Ok(MESSAGE_MAX + 3));
        assert_eq!(next_packet(&out), Ok(Some((Packet::Sequenced(&longest), MESSAGE_MAX + 3))));
        let longer = std::vec![7; MESSAGE_MAX + 1];
        assert_eq!(Packet::Sequenced(&longer).encode(&mut out), Err(Full));
    }

    proptest! {
        #[test]
        fn a_number_survives_the_round_trip(value: u64) {
            prop_assert_eq!(number(&padded_number(value), 0), Ok(value));
        }

        #[test]
        fn whatever_is_framed_is_given_back(
            kind in prop::sample::select(b"+LAJSUHRZO?".to_vec()),
            payload in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let len = (payload.len() as u16 + 1).to_be_bytes();
            let stream = [&len[..], &[kind], &payload].concat();
            if let Ok(Some((packet, taken))) = next_packet(&stream) {
                prop_assert_eq!(taken, stream.len());
                let mut out = [0; 128];
                let len = packet.encode(&mut out).unwrap();
                prop_assert_eq!(&out[..len], &stream[..]);
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(Some((_, taken))) = next_packet(&bytes) {
                prop_assert!(0 < taken && taken <= bytes.len());
            }
        }
    }
}
