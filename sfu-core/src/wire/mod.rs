//! Bytes and values: stateless parsers and writers, each fuzzed.
