//! What a descriptor says of its own frame: its template, and what differs from it (Appendix A,
//! `frame_dependency_definition`).

use super::bits::BitReader;
use super::write::MaskPlace;
use super::{EXTENDED_FLAGS, HEAD_BITS, Head, MANDATORY_LEN, MAX_REFERENCES, Structure, Template};

/// One frame, as each of its packets tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its layers, decode targets and references.
    pub kind: Template,
    /// The decode targets that the sender sends from this frame on; `None`: those of before, and all
    /// of them where a structure is attached.
    pub active: Option<u32>,
    /// Where the mask of decode targets goes when the descriptor is written anew.
    pub mask: MaskPlace,
}

/// Why a descriptor tells nothing of its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// It is of a template that the structure does not have: of another structure.
    UnknownTemplate,
    /// It is cut short, or has more references than [`MAX_REFERENCES`].
    Malformed,
}

impl Structure {
    /// Reads the frame of a `descriptor`. Where one is attached to it, this must be that structure.
    ///
    /// # Errors
    ///
    /// [`FrameError`].
    pub fn frame(&self, descriptor: &[u8]) -> Result<Frame, FrameError> {
        let head = Head::read(descriptor).ok_or(FrameError::Malformed)?;
        let template = self.template(head.template_id);
        let template = template.ok_or(FrameError::UnknownTemplate)?;
        if descriptor.len() == MANDATORY_LEN {
            return Ok(Frame {
                kind: *template,
                active: None,
                mask: MaskPlace::behind_mandatory(self.targets),
            });
        }
        let extended = self.extended(descriptor, *template);
        extended.ok_or(FrameError::Malformed)
    }

    /// The extended fields, which may tell each thing otherwise than the template does.
    fn extended(&self, descriptor: &[u8], mut kind: Template) -> Option<Frame> {
        let mut reader = BitReader::new(descriptor, HEAD_BITS - EXTENDED_FLAGS);
        let has_structure = reader.flag()?;
        let has_active = reader.flag()?;
        let (own_indications, own_references) = (reader.flag()?, reader.flag()?);
        let own_chains = reader.flag()?;
        if has_structure {
            reader.skip(self.bits.into())?;
        }
        let at = reader.at();
        let active = if has_active {
            Some(reader.bits(self.targets.into())?)
        } else {
            None
        };
        if own_indications {
            kind.indications(&mut reader, self.targets)?;
        }
        if own_references {
            kind.references = frame_references(&mut reader)?;
        }
        if own_chains {
            // Eight bits for each (Appendix A, `frame_chains`).
            reader.skip(8 * usize::from(self.chains))?;
        }
        let mask = MaskPlace::new(at, reader.at(), self.targets, has_active)?;
        Some(Frame { kind, active, mask })
    }
}

/// Appendix A, `frame_fdiffs`: each behind two bits of its length in units of four, less one.
fn frame_references(reader: &mut BitReader<'_>) -> Option<[u16; MAX_REFERENCES]> {
    let mut references = [0; MAX_REFERENCES];
    let mut places = references.iter_mut();
    loop {
        let size = reader.bits(2)? as usize;
        if size == 0 {
            return Some(references);
        }
        // At most twelve bits.
        *places.next()? = reader.bits(4 * size)? as u16 + 1;
    }
}
