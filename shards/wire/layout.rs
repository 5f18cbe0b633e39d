//! How a message's table of fields becomes a view: the one place where layouts are spelled in Rust.
//!
//! A protocol file writes its specification's table; these macros give the `repr(C)` struct over the
//! wire bytes, one accessor a field, the length as a `const` assertion, and the way back to bytes.
//! Knows no protocol: endianness comes with the `U16`, `U32`, ... in scope where a table stands.

use core::fmt;

/// The caller's buffer, or the limit that the caller set, has no room left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no room is left in the buffer to write to")
    }
}

impl core::error::Error for Full {}

/// Writes `parts` one after the other; answers how many bytes that took. On `Full` nothing of use is in `out`.
pub(crate) fn write_parts(parts: &[&[u8]], out: &mut [u8]) -> Result<usize, Full> {
    let mut written = 0;
    for part in parts {
        let end = written + part.len();
        out.get_mut(written..end).ok_or(Full)?.copy_from_slice(part);
        written = end;
    }
    Ok(written)
}

/// A set of bytes, one bit each.
pub(crate) const fn bits(bytes: &[u8]) -> [u64; 4] {
    let mut set = [0; 4];
    let mut at = 0;
    while at < bytes.len() {
        set[bytes[at] as usize / 64] |= 1 << (bytes[at] % 64);
        at += 1;
    }
    set
}

/// A one-byte field with a list of values: the enum, the checked way in and the way out.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident in $field:ident { $($(#[$variant_doc:meta])* $variant:ident = $byte:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$variant_doc])* $variant = $byte,)*
        }

        impl $name {
            /// Every value, in the order of the specification.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// From the wire; a byte that is not listed is [`Malformed::UnknownCode`].
            ///
            /// [`Malformed::UnknownCode`]: crate::Malformed::UnknownCode
            #[inline]
            pub const fn from_byte(byte: u8) -> Result<Self, $crate::Malformed> {
                // No jump depends on which listed value it is: a `match` is a jump for each of two, and
                // the side of an order cannot be predicted.
                const LISTED: [u64; 4] = $crate::layout::bits(&[$($byte),*]);
                if LISTED[byte as usize / 64] >> (byte % 64) & 1 == 0 {
                    return Err($crate::Malformed::UnknownCode { field: $crate::Field::$field, code: byte });
                }
                let mut code = Self::ALL[0];
                $(if byte == $byte { code = Self::$variant; })*
                Ok(code)
            }

            /// To the wire.
            #[inline]
            pub const fn byte(self) -> u8 {
                self as u8
            }
        }
    };
}

/// One accessor. A number comes out as the machine's own; a listed byte is checked; text is copied.
macro_rules! accessor {
    ($(#[$doc:meta])* $field:ident U16) => { accessor!(@get $(#[$doc])* $field u16); };
    ($(#[$doc:meta])* $field:ident U32) => { accessor!(@get $(#[$doc])* $field u32); };
    ($(#[$doc:meta])* $field:ident U64) => { accessor!(@get $(#[$doc])* $field u64); };
    ($(#[$doc:meta])* $field:ident I64) => { accessor!(@get $(#[$doc])* $field i64); };
    ($(#[$doc:meta])* $field:ident u8 as $code:ident) => {
        $(#[$doc])*
        #[inline]
        pub const fn $field(&self) -> Result<$code, $crate::Malformed> {
            $code::from_byte(self.$field)
        }
    };
    ($(#[$doc:meta])* $field:ident U16 as $code:ident) => {
        $(#[$doc])*
        #[inline]
        pub const fn $field(&self) -> Result<$code, $crate::Malformed> {
            $code::from_number(self.$field.get())
        }
    };
    ($(#[$doc:meta])* $field:ident $plain:tt) => {
        $(#[$doc])*
        #[inline]
        pub const fn $field(&self) -> $plain {
            self.$field
        }
    };
    (@get $(#[$doc:meta])* $field:ident $native:ident) => {
        $(#[$doc])*
        #[inline]
        pub const fn $field(&self) -> $native {
            self.$field.get()
        }
    };
}

/// The `repr(C)` struct over one message's fields, its length asserted, and an accessor a field.
macro_rules! view {
    (
        $(#[$doc:meta])*
        $name:ident: $header:ident<$kind:literal>, $len:expr;
        $($(#[$field_doc:meta])* $field:ident: $type:tt $(as $code:ident)?,)*
    ) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq,
            zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::KnownLayout,
            zerocopy::Immutable, zerocopy::Unaligned,
        )]
        #[repr(C)]
        pub struct $name {
            /// What every message starts with.
            pub header: $header<$kind>,
            $($(#[$field_doc])* pub $field: $type,)*
        }

        const _: () = assert!(size_of::<$name>() == $len);

        impl $name {
            $(accessor!($(#[$field_doc])* $field $type $(as $code)?);)*
        }
    };
}

/// The views of a protocol's messages, and the enum of references to them that `parse` gives.
///
/// Each table line is `name: wire type`, or `name: u8 as Code` for a byte with a list of values.
/// `$header` is the generic struct that every message starts with; its parameter is the type byte.
macro_rules! messages {
    (
        header $header:ident, any $any:ident, longer $longer:literal;
        $(
            $(#[$doc:meta])*
            $name:ident $kind:literal $len:literal {
                $($(#[$field_doc:meta])* $field:ident: $type:tt $(as $code:ident)?,)*
            }
        )*
    ) => {
        $(
            view! {
                $(#[$doc])*
                $name: $header<$kind>, $len;
                $($(#[$field_doc])* $field: $type $(as $code)?,)*
            }

            impl $name {
                /// The type byte.
                pub const KIND: u8 = $kind;
                /// The length with the type byte.
                pub const LEN: usize = $len;

                /// As it goes on the wire.
                #[inline]
                pub fn as_bytes(&self) -> &[u8] {
                    zerocopy::IntoBytes::as_bytes(self)
                }

                /// Writes it to the start of `out`; answers its length.
                #[inline]
                pub fn encode(&self, out: &mut [u8]) -> Result<usize, $crate::Full> {
                    let room = out.get_mut(..Self::LEN).ok_or($crate::Full)?;
                    room.copy_from_slice(self.as_bytes());
                    Ok(Self::LEN)
                }
            }
        )*

        /// A message, checked for type and length; its fields are read in place when asked for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Message<'a> {
            $(#[doc = concat!("[`", stringify!($name), "`], type `", stringify!($kind), "`.")] $name(&'a $name),)*
        }

        /// Type byte and length of every message, the length with the type byte.
        pub const MESSAGE_LENGTHS: &[(u8, u16)] = &[$(($kind, $len),)*];

        /// The length of messages of this type; `None` where there is no such type.
        #[inline]
        pub const fn length_of(kind: u8) -> Option<usize> {
            match kind {
                $($kind => Some($len),)*
                _ => None,
            }
        }

        impl<'a> Message<'a> {
            /// Checks type and length: one jump and one comparison. Fields are not looked at.
            ///
            /// Errors: [`Malformed::Empty`], [`Malformed::UnknownType`], [`Malformed::WrongLength`].
            ///
            /// [`Malformed::Empty`]: crate::Malformed::Empty
            /// [`Malformed::UnknownType`]: crate::Malformed::UnknownType
            /// [`Malformed::WrongLength`]: crate::Malformed::WrongLength
            // Inlined into the caller's match, so that its jump and this one become one.
            #[inline(always)]
            pub fn parse(bytes: &'a [u8]) -> Result<Self, $crate::Malformed> {
                let Some(kind) = bytes.first() else {
                    return Err($crate::Malformed::Empty);
                };
                match *kind {
                    $($kind => {
                        let sized = if $longer { bytes.get(..$len).unwrap_or(bytes) } else { bytes };
                        match <$name as zerocopy::FromBytes>::ref_from_bytes(sized) {
                            Ok(message) => Ok(Self::$name(message)),
                            Err(_) => Err(wrong_length($kind, $len, bytes.len())),
                        }
                    })*
                    kind => Err($crate::Malformed::UnknownType { kind }),
                }
            }

            /// What every message starts with.
            #[inline]
            pub fn header(&self) -> &'a $any {
                match *self { $(Self::$name(message) => message.header.any(),)* }
            }

            /// As it is on the wire.
            #[inline]
            pub fn as_bytes(&self) -> &'a [u8] {
                match *self { $(Self::$name(message) => message.as_bytes(),)* }
            }

            /// Writes it to the start of `out`; answers its length.
            pub fn encode(&self, out: &mut [u8]) -> Result<usize, $crate::Full> {
                $crate::layout::write_parts(&[self.as_bytes()], out)
            }
        }

        #[cold]
        fn wrong_length(kind: u8, want: u16, len: usize) -> $crate::Malformed {
            $crate::Malformed::WrongLength { kind, want, len: $crate::malformed::held(len) }
        }
    };
}
