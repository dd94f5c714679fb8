//! What may be coded: facets and codes with their definitions, colours and relations.
//!
//! Comes in: what a lexicon file declares. Goes out: a [`Codebook`] in which codes are small numbers.
//! Never happens here: matching, or anything about a particular transcript.

use serde::{Deserialize, Serialize};

/// The place of a code in its [`Codebook`]. Small, so that evidence can be held by code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CodeId(pub u16);

/// A group of codes that answer one question about a passage (`role`, `orientation`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facet {
    /// The part of a code's name before the first dot.
    pub name: String,
    /// What the facet asks.
    #[serde(default)]
    pub definition: String,
    /// When true, at most one code of the facet holds for a passage; codes that come close to each other give none.
    #[serde(default)]
    pub exclusive: bool,
}

/// One code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Full name, `facet.rest`.
    pub name: String,
    /// One sentence on what the code means.
    pub definition: String,
    /// What counts.
    #[serde(default)]
    pub include: String,
    /// What does not count.
    #[serde(default)]
    pub exclude: String,
    /// `#RRGGBB`.
    #[serde(default)]
    pub color: String,
    /// Where the construct comes from.
    #[serde(default)]
    pub source: String,
    /// The code that holds when this one is denied, by name.
    #[serde(default)]
    pub opposite: Option<String>,
}

impl Code {
    /// The facet's name: everything before the first dot.
    pub fn facet(&self) -> &str {
        facet(&self.name)
    }
}

/// The facet of a code: everything before the first dot.
pub fn facet(code: &str) -> &str {
    code.split('.').next().unwrap_or(code)
}

/// Facets and codes of one study, in the order in which the file declares them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codebook {
    /// Short name, `brokering`.
    pub name: String,
    /// What the codebook is for.
    #[serde(default)]
    pub title: String,
    /// Version of the codebook, chosen by its authors.
    #[serde(default)]
    pub version: String,
    /// Facets, in order.
    pub facets: Vec<Facet>,
    /// Codes, in order; the place in this list is the [`CodeId`].
    pub codes: Vec<Code>,
}

impl Codebook {
    /// The id of the code with this full name.
    pub fn id(&self, name: &str) -> Option<CodeId> {
        self.codes.iter().position(|code| code.name == name).map(|i| CodeId(i as u16))
    }

    /// The code with this id.
    ///
    /// # Panics
    /// When the id is of another codebook.
    pub fn code(&self, id: CodeId) -> &Code {
        &self.codes[usize::from(id.0)]
    }

    /// The facet that a code belongs to.
    pub fn facet(&self, id: CodeId) -> Option<&Facet> {
        let name = self.code(id).facet();
        self.facets.iter().find(|facet| facet.name == name)
    }

    /// All ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = CodeId> + use<> {
        (0..self.codes.len() as u16).map(CodeId)
    }

    /// The id of the opposite of a code, when it has one.
    pub fn opposite(&self, id: CodeId) -> Option<CodeId> {
        self.code(id).opposite.as_deref().and_then(|name| self.id(name))
    }
}
