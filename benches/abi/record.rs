//! The benchmark's records, as its `matching_engine_api.h` lays them out: little-endian, as in C.

use core::ffi::{c_int, c_void};

/// A new order.
#[repr(C)]
pub struct New {
    pub(crate) order_id: u64,
    pub(crate) sequence: u64,
    pub(crate) price: i64,
    pub(crate) quantity: u32,
    pub(crate) side: u8,
    pub(crate) ioc: u8,
    pub(crate) pad: [u8; 2],
}

/// A cancel.
#[repr(C)]
pub struct Cancel {
    pub(crate) order_id: u64,
    pub(crate) sequence: u64,
}

/// A modify.
#[repr(C)]
pub struct Modify {
    pub(crate) order_id: u64,
    pub(crate) sequence: u64,
    pub(crate) price: i64,
    pub(crate) quantity: u32,
    pub(crate) side: u8,
    pub(crate) pad: [u8; 3],
}

/// What happened.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct Record {
    pub(crate) kind: u8,
    pub(crate) side: u8,
    pub(crate) pad: [u8; 6],
    pub(crate) sequence: u64,
    pub(crate) order_id: u64,
    pub(crate) price: i64,
    pub(crate) quantity: u32,
    pub(crate) pad2: u32,
    pub(crate) maker: u64,
    pub(crate) taker: u64,
    pub(crate) pad3: u64,
}

/// What a record is of.
pub(crate) mod kind {
    pub(crate) const ORDER_ACK: u8 = 0;
    pub(crate) const TRADE: u8 = 1;
    pub(crate) const CANCEL_ACK: u8 = 2;
    pub(crate) const MODIFY_ACK: u8 = 3;
    pub(crate) const CANCEL_REJECT: u8 = 4;
    pub(crate) const MODIFY_REJECT: u8 = 5;
}

/// A queue of records.
#[repr(C)]
pub struct Transport {
    pub(crate) create: extern "C" fn(capacity: u32) -> *mut c_void,
    pub(crate) push: unsafe extern "C" fn(handle: *mut c_void, record: *const Record) -> c_int,
    pub(crate) drain: unsafe extern "C" fn(handle: *mut c_void, out: *mut Record, max: u32) -> u32,
    pub(crate) flush: unsafe extern "C" fn(handle: *mut c_void),
    pub(crate) destroy: unsafe extern "C" fn(handle: *mut c_void),
}

const _: () = assert!(size_of::<New>() == 32);
const _: () = assert!(size_of::<Cancel>() == 16);
const _: () = assert!(size_of::<Modify>() == 32);
const _: () = assert!(size_of::<Record>() == 64);
