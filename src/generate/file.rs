//! A generated day in a file: BinaryFILE, or a nanosecond pcap of MoldUDP64 in UDP.
