//! `rialto generate`.
