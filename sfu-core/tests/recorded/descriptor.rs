//! The dependency descriptor as a receiver reads it (RTP Payload Format For AV1, version 1.0,
//! Appendix A.8): the tests' own reading, which shares nothing with the engine's.

/// What a frame is for a decode target (Appendix A.8.1, table A.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indication {
    NotPresent,
    Discardable,
    Switch,
    Required,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) spatial: u8,
    pub(crate) temporal: u8,
    pub(crate) indications: Vec<Indication>,
    pub(crate) references: Vec<u16>,
    pub(crate) chains: Vec<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Structure {
    pub(crate) id_offset: u8,
    pub(crate) targets: usize,
    /// The chain that protects each decode target; empty without chains.
    pub(crate) protected_by: Vec<usize>,
    pub(crate) templates: Vec<Template>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    pub(crate) start: bool,
    pub(crate) end: bool,
    pub(crate) number: u16,
    pub(crate) structure: Option<Structure>,
    pub(crate) active: Option<u32>,
    /// The frame by its template, with what the packet says otherwise.
    pub(crate) frame: Template,
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn flag(&mut self) -> Option<bool> {
        Some(self.take(1)? == 1)
    }

    /// `ns(n)`: values below `n` in as few bits as may be.
    fn below(&mut self, n: u32) -> Option<u32> {
        let width = 32 - n.leading_zeros();
        let short = (1 << width) - n;
        let value = self.take(width as usize - 1)?;
        if value < short {
            return Some(value);
        }
        Some((value << 1) - short + self.take(1)?)
    }

    fn indications(&mut self, targets: usize) -> Option<Vec<Indication>> {
        let all = [
            Indication::NotPresent,
            Indication::Discardable,
            Indication::Switch,
            Indication::Required,
        ];
        (0..targets)
            .map(|_| Some(all[self.take(2)? as usize]))
            .collect()
    }

    fn structure(&mut self) -> Option<Structure> {
        let id_offset = self.take(6)? as u8;
        let targets = self.take(5)? as usize + 1;
        let mut templates = self.layers()?;
        for template in &mut templates {
            template.indications = self.indications(targets)?;
        }
        for template in &mut templates {
            while self.flag()? {
                template.references.push(self.take(4)? as u16 + 1);
            }
        }
        let chains = self.below(targets as u32 + 1)?;
        let mut protected_by = Vec::new();
        if chains > 0 {
            for _ in 0..targets {
                protected_by.push(self.below(chains)? as usize);
            }
            for template in &mut templates {
                for _ in 0..chains {
                    template.chains.push(self.take(4)? as u16);
                }
            }
        }
        if self.flag()? {
            let layers = usize::from(templates.last()?.spatial) + 1;
            (0..layers).try_for_each(|_| self.take(32).map(drop))?;
        }
        Some(Structure {
            id_offset,
            targets,
            protected_by,
            templates,
        })
    }

    fn layers(&mut self) -> Option<Vec<Template>> {
        let (mut spatial, mut temporal) = (0, 0);
        let mut templates = Vec::new();
        loop {
            templates.push(Template {
                spatial,
                temporal,
                indications: Vec::new(),
                references: Vec::new(),
                chains: Vec::new(),
            });
            match self.take(2)? {
                0 => {}
                1 => temporal += 1,
                2 => (spatial, temporal) = (spatial + 1, 0),
                _ => return Some(templates),
            }
        }
    }
}

/// Whether a structure comes with it: the first packet of a keyframe has one.
pub(crate) fn has_structure(bytes: &[u8]) -> bool {
    bytes.get(3).is_some_and(|flags| flags & 0x80 != 0)
}

/// Reads one; `known` is the structure before it. `None` for one that cannot be read.
pub(crate) fn read(bytes: &[u8], known: Option<&Structure>) -> Option<Descriptor> {
    let mut bits = Bits { bytes, at: 0 };
    let (start, end) = (bits.flag()?, bits.flag()?);
    let template_id = bits.take(6)? as u8;
    let number = bits.take(16)? as u16;
    let mut flags = [false; 5];
    if bytes.len() > 3 {
        for flag in &mut flags {
            *flag = bits.flag()?;
        }
    }
    let [new, has_active, indications, references, chains] = flags;
    let structure = if new { Some(bits.structure()?) } else { None };
    let known = structure.as_ref().or(known)?;
    let mut active = new.then(|| u32::MAX >> (32 - known.targets));
    if has_active {
        active = Some(bits.take(known.targets)?);
    }
    let index = (template_id + 64 - known.id_offset) % 64;
    let mut frame = known.templates.get(usize::from(index))?.clone();
    if indications {
        frame.indications = bits.indications(known.targets)?;
    }
    if references {
        frame.references.clear();
        loop {
            let size = bits.take(2)? as usize;
            if size == 0 {
                break;
            }
            frame.references.push(bits.take(4 * size)? as u16 + 1);
        }
    }
    if chains {
        for chain in &mut frame.chains {
            *chain = bits.take(8)? as u16;
        }
    }
    Some(Descriptor {
        start,
        end,
        number,
        structure,
        active,
        frame,
    })
}
