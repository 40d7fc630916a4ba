//! An answer (RFC 9429 section 5.3), section by section in the offer's order.

mod section;
mod word;

use crate::media::format::{CodecWishes, PayloadMapping};
use crate::media::session::{
    AnsweredSection, LocalTransport, OfferedSection, OfferedSession, ReceivingSection, SectionKind,
    SendingSection,
};
use std::fmt::{self, Write as _};

/// Writes the answer to `offer`.
///
/// `sections` are in the offer's order; a missing one is rejected. So is one that cannot be
/// otherwise: stopped, neither media nor data, without a codec that both know, without a format to
/// send, or data answered with anything else. A section whose direction the offer does not allow
/// (RFC 3264 section 6.1) is written inactive.
///
/// `session_version` must grow by one with each differing answer of the same peer connection.
#[must_use]
pub fn write_answer(
    offer: &OfferedSession,
    local: &LocalTransport,
    sections: &[AnsweredSection],
    session_version: u64,
) -> String {
    let answered = sections
        .iter()
        .chain(std::iter::repeat(&AnsweredSection::Rejected));
    let mut answer = Answer {
        text: String::with_capacity(1024 * (1 + offer.sections.len())),
    };
    let plans: Vec<(&OfferedSection, Plan<'_>)> = offer
        .sections
        .iter()
        .zip(answered)
        .map(|(offered, answered)| (offered, plan(offered, answered)))
        .collect();
    answer.session(local, &plans, session_version);
    let mut is_tagged = true;
    for (offered, plan) in plans {
        match plan {
            Plan::Rejected => answer.rejected(offered),
            Plan::Accepted(use_of) => {
                // RFC 9143 section 7.1.3: candidates stand in the tagged section alone.
                let candidates = if is_tagged {
                    local.candidates.as_slice()
                } else {
                    &[]
                };
                answer.transport(offered, local, candidates, is_tagged, use_of);
                match use_of {
                    Use::Data => answer.data(),
                    use_of => answer.media(offered, use_of),
                }
                is_tagged = false;
            }
        }
    }
    answer.text
}

/// What is written for a section.
#[derive(Clone, Copy)]
enum Plan<'a> {
    Rejected,
    Accepted(Use<'a>),
}

#[derive(Clone, Copy)]
enum Use<'a> {
    Inactive,
    Receive(&'a ReceivingSection),
    Send(&'a SendingSection),
    Data,
}

impl<'a> Use<'a> {
    /// The payloads that are agreed on: all that both know in an idle section.
    fn payloads(self, offered: &'a OfferedSection) -> &'a [PayloadMapping] {
        match self {
            Self::Inactive | Self::Data => &offered.payloads,
            Self::Receive(receiving) => &receiving.payloads,
            Self::Send(sending) => &sending.payloads,
        }
    }

    fn wishes(self) -> Option<&'a CodecWishes> {
        match self {
            Self::Receive(receiving) => Some(&receiving.wishes),
            Self::Inactive | Self::Send(_) | Self::Data => None,
        }
    }
}

fn plan<'a>(offered: &'a OfferedSection, answered: &'a AnsweredSection) -> Plan<'a> {
    let usable = match offered.kind {
        SectionKind::Media(_) => !offered.payloads.is_empty(),
        SectionKind::Data(_) => matches!(answered, AnsweredSection::Data),
        SectionKind::Other => false,
    };
    if offered.stopped || !usable {
        return Plan::Rejected;
    }
    match answered {
        AnsweredSection::Rejected => Plan::Rejected,
        AnsweredSection::Receive(receiving) if offered.direction.sends() => {
            agreed(offered, &receiving.payloads, Use::Receive(receiving))
        }
        AnsweredSection::Send(sending) if offered.direction.receives() => {
            agreed(offered, &sending.payloads, Use::Send(sending))
        }
        AnsweredSection::Data if matches!(offered.kind, SectionKind::Data(_)) => {
            Plan::Accepted(Use::Data)
        }
        AnsweredSection::Inactive
        | AnsweredSection::Receive(_)
        | AnsweredSection::Send(_)
        | AnsweredSection::Data => Plan::Accepted(Use::Inactive),
    }
}

/// RFC 3264 section 6.1: an answer's formats are of the offer, and there is at least one.
fn agreed<'a>(offered: &OfferedSection, payloads: &[PayloadMapping], use_of: Use<'a>) -> Plan<'a> {
    let known = |payload: &PayloadMapping| offered.payloads.contains(payload);
    if payloads.is_empty() || !payloads.iter().all(known) {
        return Plan::Rejected;
    }
    Plan::Accepted(use_of)
}

struct Answer {
    text: String,
}

impl Answer {
    /// One line, ended by CRLF (RFC 8866 section 5).
    fn line(&mut self, line: fmt::Arguments<'_>) {
        self.text
            .write_fmt(line)
            .expect("writing to a String never fails");
        self.text.push_str("\r\n");
    }

    fn session(
        &mut self,
        local: &LocalTransport,
        plans: &[(&OfferedSection, Plan<'_>)],
        version: u64,
    ) {
        // RFC 8866 section 5.2 wants a number that stays while the session does: a certificate
        // does. 63 bits, for some peers read it as signed.
        let digest = local.fingerprint.0;
        let id = u64::from_be_bytes(std::array::from_fn(|at| digest[at])) >> 1;
        self.line(format_args!("v=0"));
        self.line(format_args!("o=- {id} {version} IN IP4 0.0.0.0"));
        self.line(format_args!("s=-"));
        self.line(format_args!("t=0 0"));
        // RFC 9429 section 5.3.1, RFC 8839 section 5.3.
        self.line(format_args!("a=ice-lite"));
        let mut group = String::new();
        for (offered, plan) in plans {
            if matches!(plan, Plan::Accepted(_)) {
                group.push(' ');
                group.push_str(&offered.mid);
            }
        }
        self.line(format_args!("a=group:BUNDLE{group}"));
        self.line(format_args!("a=msid-semantic: WMS *"));
    }
}
