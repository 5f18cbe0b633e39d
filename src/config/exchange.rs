//! `[[exchange]]`: an exchange of one's own, as written.

use serde::Deserialize;
use toml::Spanned;

use super::{Idle, Snapshot};

/// `[[exchange]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Its name in logs, metrics and summaries; at most 6 characters. The sessions of its feeds and ports
    /// begin with the first three, which no other exchange has.
    pub name: Spanned<String>,
    /// Of what is random there: the sizes in which reserves are shown, the times of a dark pool's crosses. Default 1.
    pub seed: Option<u64>,
    /// Nothing is shown, and orders meet at the midpoint of the consolidated quote. Default false.
    pub dark: Option<Spanned<Dark>>,
    /// The hours of its day. Without this table trading begins when the exchange does and ends with it.
    pub hours: Option<Spanned<Hours>>,
    /// Limit up / limit down, for the instruments that have a tier.
    #[serde(default)]
    pub luld: Luld,
    /// Stop and market-to-limit orders are taken, by options that OUCH 5.0 does not have. Default false.
    pub extensions: Option<bool>,
    /// Its shards, each a slice of its instruments on one cpu.
    #[serde(default, rename = "shard")]
    pub shards: Vec<Spanned<ExchangeShard>>,
    /// What is traded there.
    #[serde(default, rename = "instrument")]
    pub instruments: Vec<Spanned<Listing>>,
    /// Its members.
    #[serde(default, rename = "firm")]
    pub firms: Vec<Spanned<Firm>>,
    /// Their ports for orders.
    #[serde(default, rename = "port")]
    pub ports: Vec<Spanned<Port>>,
}

/// `dark = { .. }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dark {
    /// The feeds of this file, by name, whose best prices make the consolidated quote. What they say is of others:
    /// it bounds the prices here, and a halt there is one here.
    pub quote: Spanned<Vec<Spanned<String>>>,
    /// The shortest time between two crosses, in milliseconds; 0 for orders that meet as they come. Default 0.
    pub cross_min_ms: Option<Spanned<u32>>,
    /// The longest. Default as the shortest.
    pub cross_max_ms: Option<Spanned<u32>>,
    /// Live orders in the books that each shard keeps of each feed. When full, the instrument that wanted more has no
    /// quote. Default 262144.
    pub orders: Option<Spanned<u32>>,
    /// Price levels in them, both sides. Default 65536.
    pub levels: Option<Spanned<u32>>,
}

/// `[exchange.hours]`: times of day in UTC, `HH:MM:SS`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// Orders are taken from here on.
    pub pre_open: Spanned<String>,
    /// What the opening cross would do is told from here on. Default: five minutes before `open`.
    pub opening_imbalance: Option<Spanned<String>>,
    /// The opening cross.
    pub open: Spanned<String>,
    /// From here on market orders for the opening cross are neither taken nor changed nor cancelled. Default: two
    /// minutes before `open`, as Nasdaq has it.
    pub market_on_open_until: Option<Spanned<String>>,
    /// The same for limit orders for the opening cross. Default: half a minute before `open`.
    pub limit_on_open_until: Option<Spanned<String>>,
    /// What the closing cross would do is told from here on. Default: ten minutes before `close`.
    pub closing_imbalance: Option<Spanned<String>>,
    /// The closing cross.
    pub close: Spanned<String>,
    /// From here on market orders for the closing cross are neither taken nor changed nor cancelled. Default: five
    /// minutes before `close`.
    pub market_on_close_until: Option<Spanned<String>>,
    /// The same for limit orders for the closing cross. Default: two minutes before `close`.
    pub limit_on_close_until: Option<Spanned<String>>,
}

/// `[exchange.luld]`: limit up / limit down. How far the bands are is the plan's, by an instrument's tier and
/// price (Appendix A); how long things last is said here.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Luld {
    /// How long the best price of a side may stand at its band, in seconds. Default 15.
    pub limit_state_s: Option<Spanned<u32>>,
    /// How long a pause lasts, and each extension of it, in seconds. Default 300.
    pub pause_s: Option<Spanned<u32>>,
    /// For how long after `hours.open` the bands are twice as wide, in seconds. Default 0.
    pub doubled_after_open_s: Option<Spanned<u32>>,
    /// For how long before `hours.close`, in seconds: in tier 1, and in tier 2 at a reference of three dollars or
    /// less. Default 1500 where there are hours, as the plan's 18th amendment has it.
    pub doubled_before_close_s: Option<Spanned<u32>>,
}

/// `[[exchange.shard]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeShard {
    /// Its name in logs and metrics; no other shard of the file has it.
    pub name: Spanned<String>,
    /// The logical cpu it is pinned to. Without it, one that no shard asked for.
    pub cpu: Option<Spanned<u32>>,
    /// It takes turns with the other shards of its cpu, in one thread. Default false.
    pub share: Option<Spanned<bool>>,
    /// What it does when nothing came in. Default `backoff`.
    pub idle: Option<Spanned<Idle>>,
    /// Tickers that are its own; those of no list are dealt over the shards by a hash of the ticker.
    #[serde(default)]
    pub instruments: Vec<Spanned<String>>,
    /// What it makes room for at start. Required: nothing grows later.
    pub capacity: Spanned<ExchangeCapacity>,
    /// Where its ports take connections: OUCH 5.0 over SoupBinTCP, and drop copies.
    pub orders: Spanned<String>,
    /// Line A of its market data: multicast group and port.
    pub line_a: Spanned<String>,
    /// Line B, the same packets.
    pub line_b: Option<Spanned<String>>,
    /// The address of the interface that the lines leave by. Default `127.0.0.1`.
    pub interface: Option<Spanned<String>>,
    /// Where lost messages are given again.
    pub rerequest: Option<Spanned<String>>,
    /// Where a snapshot of its books is given.
    pub snapshot: Option<Spanned<Snapshot>>,
}

/// `capacity = { .. }` of an exchange's shard.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeCapacity {
    /// Live orders over all its books.
    pub orders: Spanned<u32>,
    /// Those of them that have terms: hidden, with a reserve, pegged, waiting. Default a sixteenth of `orders`.
    pub terms: Option<Spanned<u32>>,
    /// Orders that wait off the books, for a cross or for their stop. Default `terms`.
    pub waiting: Option<Spanned<u32>>,
    /// Orders that end at a time of their own. Default `terms`.
    pub dated: Option<Spanned<u32>>,
    /// The newest trades, as many as can still be broken. Default 1048576.
    pub trades: Option<Spanned<u32>>,
    /// Different orders of each port that are remembered to find equal ones. Enough are twice what the port enters
    /// in a second. Default 256.
    pub duplicates: Option<Spanned<u32>>,
    /// Connections at a time. Default 1024. Where one more comes, the oldest that has not logged in gives way.
    pub connections: Option<Spanned<u32>>,
    /// Bytes of each port's messages that are kept for a client that comes back, in KiB. Default 1024,
    /// at least 128. A client that is told more at once than this and its connection hold is cut off: see
    /// [`port::StoreSize`].
    pub replay_kib: Option<Spanned<u32>>,
}

/// `[[exchange.instrument]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// Its tickers; all that follows is the same for each.
    pub symbols: Spanned<Vec<Spanned<String>>>,
    /// The price that the day begins with, e.g. `"101.25"`.
    pub reference: Spanned<String>,
    /// How far apart prices are. Default: a cent from a dollar on, a hundredth of a cent below.
    pub tick: Option<Spanned<String>>,
    /// Who trades first at a price. Default `price-time`.
    pub policy: Option<Priority>,
    /// How many prices around the reference each side holds in its fast part. Default 4096.
    pub window: Option<Spanned<u32>>,
    /// How many prices outside of those each side has room for. Default 1024.
    pub far_levels: Option<Spanned<u32>>,
    /// A round lot, in shares: told by the stock directory, and asked of no order. Default 100.
    pub round_lot: Option<Spanned<u32>>,
    /// How far from the reference a cross may be, in percent. Default 10.
    pub collar_percent: Option<Spanned<u32>>,
    /// By how much more each time that the end of a pause is put off, in percent. Default 5.
    pub collar_widen_percent: Option<Spanned<u32>>,
    /// How often the end of a pause is put off because its cross would be outside. Default 3.
    pub collar_extensions: Option<Spanned<u32>>,
    /// How far apart the messages are that tell what the next cross would do, in milliseconds; 0 for none.
    /// Default 1000.
    pub imbalance_every_ms: Option<Spanned<u32>>,
    /// Its tier under limit up / limit down, 1 or 2. Without it there are no such bands.
    pub luld_tier: Option<Spanned<u32>>,
    /// How far from the day's reference it may trade, in percent. Without it, anywhere.
    pub static_band_percent: Option<Spanned<u32>>,
    /// How far from the last trade it may trade, in percent. Without it, anywhere.
    pub dynamic_band_percent: Option<Spanned<u32>>,
}

/// Who trades first at a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// Whoever came first.
    PriceTime,
    /// All, in proportion to their size.
    ProRata,
    /// Those of the incoming order's firm, then whoever came first.
    PriceBrokerTime,
}

/// `[[exchange.firm]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Firm {
    /// Its four letters.
    pub name: Spanned<String>,
    /// What its open orders and its trades may come to, in whole units of currency. Required: there is no unlimited
    /// default.
    pub credit: Spanned<u64>,
    /// The login of its drop copy: everything that its ports are told.
    pub drop_copy: Option<Spanned<Login>>,
    /// What each of its orders may be at most, whatever its port allows.
    #[serde(default)]
    pub limits: Limits,
    /// Tickers that it may not trade.
    #[serde(default)]
    pub restricted: Vec<Spanned<String>>,
    /// Tickers that it may not sell short, unless the sale is marked exempt.
    #[serde(default)]
    pub short_restricted: Vec<Spanned<String>>,
    /// Tickers that it may sell short without a locate.
    #[serde(default)]
    pub easy_to_borrow: Vec<Spanned<String>>,
    /// What it sells short must be easy to borrow, or the order must say that the shares are located. Default
    /// false.
    pub must_locate: Option<bool>,
    /// Its accounts that several ports share, that have a credit of their own, or of which a port has several.
    #[serde(default)]
    pub accounts: Vec<Spanned<Account>>,
    /// Which of its orders are its own where a port's `self_match` asks. Default `firm`.
    pub self_match_by: Option<Spanned<SelfMatchBy>>,
    /// Its owner, with `self_match_by = "group"`: firms and accounts of one group do not trade with one another.
    pub group: Option<Spanned<String>>,
}

/// One of the `accounts` of a firm.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// By which ports name it. Another firm's may be called the same.
    pub name: Spanned<String>,
    /// What its open orders and its trades may come to, in whole units of currency. Default the firm's.
    pub credit: Option<Spanned<u64>>,
    /// Its owner, where that is not the firm's.
    pub group: Option<Spanned<String>>,
}

/// Which orders of a firm are of one owner. Two orders of one owner do not trade, see [`SelfMatch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelfMatchBy {
    /// Those of one account.
    Account,
    /// All of the firm's.
    Firm,
    /// Those of one group, be they this firm's or another's.
    Group,
}

/// A login of SoupBinTCP.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// At most 6 characters.
    pub user: Spanned<String>,
    /// At most 10 characters.
    pub password: Spanned<String>,
}

/// `[[exchange.port]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// Its user, at most 6 characters. With `count` the number of each takes the place of `{n}`, with zeros before
    /// it up to the 6 characters: `U{n}` is U00001 to U00100.
    pub user: Spanned<String>,
    /// How many ports this is. Default 1.
    pub count: Option<Spanned<u32>>,
    /// At most 10 characters.
    pub password: Spanned<String>,
    /// Whose it is. With `count` above 1, ports are dealt to these in turns.
    pub firms: Spanned<Vec<Spanned<String>>>,
    /// Its orders are cancelled when its connection is lost. Default true.
    pub cancel_on_disconnect: Option<bool>,
    /// What happens where its orders would trade with another of its owner's, who is as the firm's
    /// `self_match_by` has it. Default `allow`.
    pub self_match: Option<SelfMatch>,
    /// The account of its firm that its orders are for; each of its `firms` has one of that name. Default one of the
    /// port's own, which has the firm's credit.
    pub account: Option<Spanned<String>>,
    /// Accounts for the orders that have an option `GroupID`. Those of a number that is not here are for `account`;
    /// a mass cancel can ask for the orders of a number alone.
    #[serde(default)]
    pub groups: Vec<Spanned<Group>>,
    /// Its accepted orders are told how much they add to the best price here (`BBOWeight`). Default false.
    pub bbo_weight: Option<bool>,
    /// What it may do at most.
    #[serde(default)]
    pub limits: Limits,
}

/// One of the `groups` of a port.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The option `GroupID` of an order, from 1.
    pub id: Spanned<u16>,
    /// The account of the port's firm that such orders are for.
    pub account: Spanned<String>,
}

/// What happens where an order would trade with another of its owner, see [`SelfMatchBy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelfMatch {
    /// They trade.
    Allow,
    /// The resting one is cancelled.
    CancelOldest,
    /// The incoming one is cancelled.
    CancelNewest,
    /// Both are cancelled.
    CancelBoth,
    /// Both shrink by the smaller of the two.
    Decrement,
}

/// `limits = { .. }` of a firm or a port; an order must keep to both.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Shares of one order. Default 999999, which is all that OUCH has room for.
    pub qty: Option<Spanned<u32>>,
    /// What one order may come to, in whole units of currency. Default the firm's credit.
    pub notional: Option<Spanned<u64>>,
    /// How far through the market an order's limit may be, in percent: a buy above, a sale below the best price of
    /// the other side, else the last one. Without it, anywhere.
    pub collar_percent: Option<Spanned<u32>>,
    /// The same as an amount, e.g. `"0.50"`. With both, the shorter counts.
    pub collar_amount: Option<Spanned<String>>,
    /// How far from the market it may be on either side, in percent. Without it, anywhere.
    pub fat_finger_percent: Option<Spanned<u32>>,
    /// The same as an amount. With both, the shorter counts.
    pub fat_finger_amount: Option<Spanned<String>>,
    /// Kinds of orders that are not taken. Default none.
    #[serde(default)]
    pub forbid: Vec<Kind>,
    /// Of a port alone: orders and replacements in a second. Without it, as many as come.
    pub orders_per_second: Option<Spanned<u32>>,
    /// Of a port alone: those of one instrument in a second. Without it, as many as come.
    pub orders_per_second_symbol: Option<Spanned<u32>>,
    /// Of a port alone: orders of the same instrument, side, shares and price in a second. Without it, as many as
    /// come.
    pub duplicates_per_second: Option<Spanned<u32>>,
}

/// A kind of order that can be forbidden. OUCH's other three are for sessions before the open and after the
/// close, and for initial offerings, which this exchange has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Without a limit.
    Market,
    /// Short sales that are not marked exempt.
    Short,
    /// Short sales that are.
    ShortExempt,
    /// Intermarket sweeps.
    Sweep,
}
