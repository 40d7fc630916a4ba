//! What a keyframe's descriptor says of all frames that follow: `template_dependency_structure`
//! (Appendix A).

use arrayvec::ArrayVec;

use super::bits::BitReader;
use super::{HEAD_BITS, MAX_DECODE_TARGETS, MAX_REFERENCES};

/// Most templates of a structure: their ids have six bits (Appendix A).
pub const MAX_TEMPLATES: usize = 64;

/// Most spatial layers: more than any encoder has, and AV1's own bound (AV1 specification section
/// 5.3.3: `spatial_id` has two bits).
const MAX_SPATIAL_LAYERS: usize = 4;

/// Most temporal layers (AV1 specification section 5.3.3: `temporal_id` has three bits).
const MAX_TEMPORAL_LAYERS: u8 = 8;

/// One kind of frame. Bit i of a mask is decode target i.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// Its spatial layer.
    pub spatial: u8,
    /// Its temporal layer.
    pub temporal: u8,
    /// The decode targets that it is part of: its indication is not `-`.
    pub present: u32,
    /// Those for which it is a switch indication (`S`).
    pub switch: u32,
    /// Those for which it is discardable (`D`).
    pub discardable: u32,
    /// The frames that it needs, as differences of frame numbers; 0 is none, and ends them.
    pub references: [u16; MAX_REFERENCES],
}

/// What a keyframe's descriptor says of all frames that follow. About 2 kB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// The id of the first template; the ids of the others follow, and wrap at 64.
    pub(super) first_id: u8,
    /// How many decode targets there are, 1..=[`MAX_DECODE_TARGETS`].
    pub(super) targets: u8,
    /// How many chains there are: a frame tells for each where its last frame was.
    pub(super) chains: u8,
    /// Bits that it takes in the descriptor.
    pub(super) bits: u16,
    /// The kinds of frames.
    pub(super) templates: ArrayVec<Template, MAX_TEMPLATES>,
    /// Width and height of each spatial layer in pixels, where they are told.
    pub(super) resolutions: ArrayVec<(u32, u32), MAX_SPATIAL_LAYERS>,
}

impl Structure {
    /// Reads the structure of a descriptor whose [`super::Head`] says that it has one.
    ///
    /// `None` when it is cut short, and for more templates than ids, more layers than AV1 has, or
    /// a template with more references than [`MAX_REFERENCES`].
    #[must_use]
    pub fn read(descriptor: &[u8]) -> Option<Self> {
        let mut reader = BitReader::new(descriptor, HEAD_BITS);
        // Six bits, five bits and one more: they fit.
        let first_id = reader.bits(6)? as u8;
        let targets = reader.bits(5)? as u8 + 1;
        let mut structure = Self {
            first_id,
            targets,
            chains: 0,
            bits: 0,
            templates: ArrayVec::new(),
            resolutions: ArrayVec::new(),
        };
        structure.layers(&mut reader)?;
        for template in &mut structure.templates {
            template.indications(&mut reader, targets)?;
        }
        for template in &mut structure.templates {
            template.references = template_references(&mut reader)?;
        }
        structure.chains(&mut reader)?;
        structure.resolutions(&mut reader)?;
        structure.bits = u16::try_from(reader.at() - HEAD_BITS).ok()?;
        Some(structure)
    }

    /// The kinds of frames, by their ids from the first on.
    #[must_use]
    pub fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// How many decode targets there are, 1..=[`MAX_DECODE_TARGETS`].
    #[must_use]
    pub const fn target_count(&self) -> usize {
        self.targets as usize
    }

    /// The mask of all decode targets.
    #[must_use]
    pub const fn all_targets(&self) -> u32 {
        u32::MAX >> (MAX_DECODE_TARGETS - self.targets as usize)
    }

    /// Up to which spatial and temporal layer decode target `target` goes.
    #[must_use]
    pub fn top_of(&self, target: usize) -> (u8, u8) {
        let of_it = |template: &&Template| template.present >> target & 1 != 0;
        let mut top = (0, 0);
        for template in self.templates.iter().filter(of_it) {
            top.0 = template.spatial.max(top.0);
            top.1 = template.temporal.max(top.1);
        }
        top
    }

    /// Width and height of each spatial layer from the lowest up, in pixels; empty where the
    /// structure does not tell.
    #[must_use]
    pub fn resolutions_by_layer(&self) -> &[(u32, u32)] {
        &self.resolutions
    }

    /// The template of an id.
    pub(super) fn template(&self, id: u8) -> Option<&Template> {
        let index = id.wrapping_sub(self.first_id) % MAX_TEMPLATES as u8;
        self.templates.get(usize::from(index))
    }

    /// Appendix A, `template_layers`: in the order of layers, which only ever step up.
    fn layers(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        let (mut spatial, mut temporal) = (0, 0);
        loop {
            let template = Template {
                spatial,
                temporal,
                ..Template::default()
            };
            self.templates.try_push(template).ok()?;
            match reader.bits(2)? {
                0 => {}
                1 => temporal += 1,
                2 => (spatial, temporal) = (spatial + 1, 0),
                _ => return Some(()),
            }
            if temporal >= MAX_TEMPORAL_LAYERS || usize::from(spatial) >= MAX_SPATIAL_LAYERS {
                return None;
            }
        }
    }

    /// Appendix A, `template_chains`. Where the chains' frames are is for receivers; how many
    /// there are tells where a frame's own fields end.
    fn chains(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        let targets = u32::from(self.targets);
        let chains = reader.below(targets + 1)?;
        self.chains = chains as u8;
        if chains == 0 {
            return Some(());
        }
        for _ in 0..targets {
            reader.below(chains)?;
        }
        reader.skip(4 * chains as usize * self.templates.len())
    }

    /// Appendix A, `render_resolutions`, behind its flag.
    fn resolutions(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        if !reader.flag()? {
            return Some(());
        }
        let highest = self.templates.last()?.spatial;
        for _ in 0..=highest {
            let (width, height) = (reader.bits(16)? + 1, reader.bits(16)? + 1);
            self.resolutions.try_push((width, height)).ok()?;
        }
        Some(())
    }
}

impl Template {
    /// Two bits for each decode target: not present, discardable, switch, required.
    pub(super) fn indications(&mut self, reader: &mut BitReader<'_>, targets: u8) -> Option<()> {
        (self.present, self.switch, self.discardable) = (0, 0, 0);
        for target in 0..targets {
            let bit = 1 << target;
            match reader.bits(2)? {
                0 => continue,
                1 => self.discardable |= bit,
                2 => self.switch |= bit,
                _ => {}
            }
            self.present |= bit;
        }
        Some(())
    }
}

/// Appendix A, `template_fdiffs`: each behind a flag, four bits, less one.
fn template_references(reader: &mut BitReader<'_>) -> Option<[u16; MAX_REFERENCES]> {
    let mut references = [0; MAX_REFERENCES];
    let mut places = references.iter_mut();
    while reader.flag()? {
        *places.next()? = reader.bits(4)? as u16 + 1;
    }
    Some(references)
}
