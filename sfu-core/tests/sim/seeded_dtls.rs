//! DTLS for the clients whose timers follow from the seed. `str0m`'s own provider gives `dimpl` no
//! seed, and the jitter of its retransmissions would move everything behind a lost handshake packet.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use str0m::config::CryptoProvider;
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion,
};
use str0m::crypto::{CryptoError, from_feature_flags};

/// The provider: `str0m`'s, but for DTLS.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        dtls_provider: &Seeded,
        ..from_feature_flags()
    })
}

/// One certificate for every client of the process: making one costs more than the rest of joining.
pub(crate) fn certificate() -> DtlsCert {
    static CERTIFICATE: LazyLock<DtlsCert> = LazyLock::new(|| {
        let provider = from_feature_flags();
        provider
            .dtls_provider
            .generate_certificate()
            .expect("a key can be made")
    });
    CERTIFICATE.clone()
}

#[derive(Debug)]
struct Seeded;

impl DtlsProvider for Seeded {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        Some(certificate())
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        _: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let seed = fastrand::u64(..);
        let config = dimpl::Config::builder().dangerously_set_rng_seed(seed);
        let config = config.mtu(mtu.unwrap_or(1200)).build();
        let config = config.map_err(|error| CryptoError::Other(error.to_string()))?;
        Ok(Box::new(Instance(dimpl::Dtls::new_12(
            Arc::new(config),
            cert.clone(),
            now,
        ))))
    }
}

struct Instance(dimpl::Dtls);

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Instance")
    }
}

impl DtlsInstance for Instance {
    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        self.0.poll_output(buf)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.0.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.0.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.0.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.0.close()
    }
}
