//! IEX-TP over UDP, as the receiver takes it. There is no re-request here.
