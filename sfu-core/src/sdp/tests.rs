//! Tests of offer and answer against what browsers write.
