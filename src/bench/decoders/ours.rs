//! Our decoder over a stream: BinaryFILE framing, [`Message::parse`], every field.

use wire::Malformed;
use wire::binaryfile::Records;
use wire::itch50::{Header, Message};

use super::Checksum;

/// How far ahead of the message under way its bytes are asked for: past the hardware's own stride, which ends
/// with each page.
const AHEAD: usize = 2_048;

/// Decodes all messages of `file`.
///
/// # Errors
/// A sentence with the offset, where the file is misframed or a message malformed.
pub fn decode(file: &[u8]) -> Result<Checksum, String> {
    let mut checksum = Checksum::default();
    for record in Records::new(file) {
        let record = record.map_err(|error| error.to_string())?;
        runtime::prefetch_at(file, record.offset as usize + AHEAD);
        let fields = Message::parse(record.message)
            .and_then(|message| fields(&message))
            .map_err(|error| format!("at offset {}: {error}", record.offset))?;
        checksum.add(fields);
    }
    Ok(checksum)
}

fn head(header: &Header) -> u64 {
    u64::from(header.kind())
        + u64::from(header.locate())
        + u64::from(header.tracking())
        + header.timestamp()
}

fn text4(text: [u8; 4]) -> u64 {
    u64::from(u32::from_be_bytes(text))
}

/// The sum of one message's fields; see [`Checksum`].
#[inline(always)]
pub fn fields(message: &Message<'_>) -> Result<u64, Malformed> {
    let sum = |parts: &[u64]| parts.iter().fold(0u64, |sum, part| sum.wrapping_add(*part));
    let text = u64::from_be_bytes;
    Ok(match message {
        Message::AddOrder(m) => sum(&[
            head(&m.header),
            m.order_ref(),
            u64::from(m.side()?.byte()),
            m.shares().into(),
            text(m.stock()),
            m.price().into(),
        ]),
        Message::AddOrderMpid(m) => sum(&[
            head(&m.header),
            m.order_ref(),
            u64::from(m.side()?.byte()),
            m.shares().into(),
            text(m.stock()),
            m.price().into(),
            text4(m.attribution()),
        ]),
        Message::OrderExecuted(m) => {
            sum(&[head(&m.header), m.order_ref(), m.shares().into(), m.match_number()])
        }
        Message::OrderExecutedWithPrice(m) => sum(&[
            head(&m.header),
            m.order_ref(),
            m.shares().into(),
            m.match_number(),
            u64::from(m.printable()?.byte()),
            m.price().into(),
        ]),
        Message::OrderCancel(m) => sum(&[head(&m.header), m.order_ref(), m.shares().into()]),
        Message::OrderDelete(m) => sum(&[head(&m.header), m.order_ref()]),
        Message::OrderReplace(m) => {
            sum(&[head(&m.header), m.old_ref(), m.new_ref(), m.shares().into(), m.price().into()])
        }
        Message::Trade(m) => sum(&[
            head(&m.header),
            m.order_ref(),
            u64::from(m.side()?.byte()),
            m.shares().into(),
            text(m.stock()),
            m.price().into(),
            m.match_number(),
        ]),
        Message::CrossTrade(m) => sum(&[
            head(&m.header),
            m.shares(),
            text(m.stock()),
            m.price().into(),
            m.match_number(),
            u64::from(m.cross()?.byte()),
        ]),
        Message::BrokenTrade(m) => sum(&[head(&m.header), m.match_number()]),
        Message::Imbalance(m) => sum(&[
            head(&m.header),
            m.paired(),
            m.imbalance(),
            u64::from(m.direction()?.byte()),
            text(m.stock()),
            m.far().into(),
            m.near().into(),
            m.reference().into(),
            u64::from(m.cross()?.byte()),
            u64::from(m.variation()?.byte()),
        ]),
        Message::SystemEvent(m) => head(&m.header),
        Message::StockDirectory(m) => {
            sum(&[head(&m.header), text(m.stock()), m.round_lot().into(), m.etp_leverage().into()])
        }
        Message::TradingAction(m) => sum(&[head(&m.header), text(m.stock())]),
        Message::RegSho(m) => sum(&[head(&m.header), text(m.stock())]),
        Message::ParticipantPosition(m) => {
            sum(&[head(&m.header), text4(m.mpid()), text(m.stock())])
        }
        Message::MwcbDeclineLevel(m) => sum(&[head(&m.header), m.level1(), m.level2(), m.level3()]),
        Message::MwcbStatus(m) => head(&m.header),
        Message::IpoQuotingPeriod(m) => {
            sum(&[head(&m.header), text(m.stock()), m.release_s().into(), m.price().into()])
        }
        Message::AuctionCollar(m) => sum(&[
            head(&m.header),
            text(m.stock()),
            m.reference().into(),
            m.upper().into(),
            m.lower().into(),
            m.extension().into(),
        ]),
        Message::OperationalHalt(m) => sum(&[head(&m.header), text(m.stock())]),
        Message::RetailPrice(m) => sum(&[head(&m.header), text(m.stock())]),
        Message::DirectListing(m) => sum(&[
            head(&m.header),
            text(m.stock()),
            m.minimum().into(),
            m.maximum().into(),
            m.near_price().into(),
            m.near_time_ns(),
            m.lower().into(),
            m.upper().into(),
        ]),
    })
}
