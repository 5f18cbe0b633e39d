//! How one direction's table of OUCH messages becomes views, which an appendage may follow.
//!
//! The views are those of `layout.rs`; what is added here is the appendage. Knows no message.

/// The views of one direction's messages, and the enum of references to them that `parse` gives.
///
/// A table starts with name, type byte, shortest length on the wire, and the [`Rule`] of its appendage;
/// where that is `Always`, the length has the two bytes of the appendage length in it.
///
/// [`Rule`]: super::Rule
macro_rules! appended {
    (
        header $header:ident, any $any:ident;
        $(
            $(#[$doc:meta])*
            $name:ident $kind:literal $len:literal $rule:ident {
                $($(#[$field_doc:meta])* $field:ident: $type:tt $(as $code:ident)?,)*
            }
        )*
    ) => {
        $(
            view! {
                $(#[$doc])*
                $name: $header<$kind>, $len - $crate::ouch50::Rule::$rule.len_min();
                $($(#[$field_doc])* $field: $type $(as $code)?,)*
            }

            impl $name {
                /// The type byte.
                pub const KIND: u8 = $kind;
                /// The shortest length on the wire: the fixed fields, and the appendage length where it is always there.
                pub const LEN: usize = $len;
                /// Whether an appendage follows.
                pub const RULE: $crate::ouch50::Rule = $crate::ouch50::Rule::$rule;

                /// The fixed fields as they go on the wire.
                #[inline]
                pub fn as_bytes(&self) -> &[u8] {
                    zerocopy::IntoBytes::as_bytes(self)
                }

                /// Whether every field with a list of values has one of them.
                ///
                /// Errors: of the first field that has not, as its accessor.
                pub fn check(&self) -> Result<(), $crate::Malformed> {
                    $($(self.$field().map(|_: $code| ())?;)?)*
                    Ok(())
                }

                /// Writes it and its appendage to the start of `out`; answers the length of both.
                ///
                /// Errors: [`Full`](crate::Full).
                #[inline]
                pub fn encode(
                    &self,
                    appendage: $crate::ouch50::Appendage<'_>,
                    out: &mut [u8],
                ) -> Result<usize, $crate::Full> {
                    appendage.write_after(self.as_bytes(), Self::RULE, out)
                }
            }
        )*

        /// A message, checked for type, length and appendage length; its fields are read in place when
        /// asked for, and its options checked when asked for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Message<'a> {
            $(
                #[doc = concat!("[`", stringify!($name), "`], type `", stringify!($kind), "`.")]
                $name(&'a $name, $crate::ouch50::Appendage<'a>),
            )*
        }

        /// Type byte and shortest length of every message, the length with the type byte.
        pub const MESSAGE_LENGTHS: &[(u8, u16)] = &[$(($kind, $len),)*];

        impl<'a> Message<'a> {
            /// Checks type, length and appendage length. Neither fields nor options are looked at.
            ///
            /// Errors: [`Malformed::Empty`], [`Malformed::UnknownType`], [`Malformed::WrongLength`],
            /// [`Malformed::WrongAppendage`].
            ///
            /// [`Malformed::Empty`]: crate::Malformed::Empty
            /// [`Malformed::UnknownType`]: crate::Malformed::UnknownType
            /// [`Malformed::WrongLength`]: crate::Malformed::WrongLength
            /// [`Malformed::WrongAppendage`]: crate::Malformed::WrongAppendage
            #[inline]
            pub fn parse(bytes: &'a [u8]) -> Result<Self, $crate::Malformed> {
                let Some(kind) = bytes.first() else {
                    return Err($crate::Malformed::Empty);
                };
                match *kind {
                    $($kind => {
                        let Ok((message, rest)) = <$name as zerocopy::FromBytes>::ref_from_prefix(bytes) else {
                            let len = $crate::malformed::held(bytes.len());
                            return Err($crate::Malformed::WrongLength { kind: $kind, want: $len, len });
                        };
                        let lengths = ($kind, $len, bytes.len());
                        $crate::ouch50::Appendage::after(rest, $name::RULE, lengths)
                            .map(|appendage| Self::$name(message, appendage))
                    })*
                    kind => Err($crate::Malformed::UnknownType { kind }),
                }
            }

            /// What every message starts with.
            #[inline]
            pub fn header(&self) -> &'a $any {
                match *self { $(Self::$name(message, _) => message.header.any(),)* }
            }

            /// What follows the fixed fields.
            #[inline]
            pub const fn appendage(&self) -> $crate::ouch50::Appendage<'a> {
                match *self { $(Self::$name(_, appendage) => appendage,)* }
            }

            /// Whether every field with a list of values has one of them.
            ///
            /// Errors: of the first field that has not, as its accessor.
            pub fn check(&self) -> Result<(), $crate::Malformed> {
                match *self { $(Self::$name(message, _) => message.check(),)* }
            }

            /// Writes it to the start of `out`; answers its length.
            ///
            /// Errors: [`Full`](crate::Full).
            pub fn encode(&self, out: &mut [u8]) -> Result<usize, $crate::Full> {
                match *self { $(Self::$name(message, appendage) => message.encode(appendage, out),)* }
            }
        }

        /// For tests of every message: one table of them all.
        #[cfg(test)]
        pub(super) mod every {
            #![allow(clippy::wildcard_imports, reason = "the names of the table, whatever they are")]
            use super::*;
            use $crate::ouch50::Rule;

            /// Each type byte with its rule.
            pub(in crate::ouch50) const RULES: &[(u8, Rule)] = &[$(($kind, $name::RULE),)*];

            /// A message of that type, made anew field by field: each is read as its type, a byte with a
            /// list of values is drawn from that list by the byte of `fixed`, and each is put back.
            pub(in crate::ouch50) fn made_of(
                fixed: &[u8],
                appendage: $crate::ouch50::Appendage<'_>,
                out: &mut [u8],
            ) -> usize {
                match fixed[0] {
                    $($kind => {
                        let (raw, _) = <$name as zerocopy::FromBytes>::ref_from_prefix(fixed).unwrap();
                        let drawn = $name {
                            header: raw.header,
                            $($field: retyped!(draw raw $field $type $(as $code)?),)*
                        };
                        let again = $name {
                            header: drawn.header,
                            $($field: retyped!(read drawn $field $type $(as $code)?),)*
                        };
                        assert_eq!(again, drawn);
                        assert_eq!(again.check(), Ok(()));
                        again.encode(appendage, out).unwrap()
                    })*
                    kind => panic!("no message of type {kind}"),
                }
            }
        }
    };
}

/// One field for `every::made_of`.
#[cfg(test)]
macro_rules! retyped {
    (draw $view:ident $field:ident u8 as $code:ident) => {
        $code::ALL[usize::from($view.$field) % $code::ALL.len()].byte()
    };
    (draw $view:ident $field:ident U16 as $code:ident) => {
        $code::ALL[usize::from($view.$field.get()) % $code::ALL.len()].number().into()
    };
    (read $view:ident $field:ident u8 as $code:ident) => {
        $view.$field().unwrap().byte()
    };
    (read $view:ident $field:ident U16 as $code:ident) => {
        $view.$field().unwrap().number().into()
    };
    ($how:ident $view:ident $field:ident $plain:tt) => {
        $view.$field().into()
    };
}
