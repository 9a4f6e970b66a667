use serde_json::{Map, Value, json};

use crate::content::error::ContentError;
use crate::content::reader::{Node, all_different};

const MAX_SECTIONS: usize = 10;
/// Of all sections together.
const MAX_ROWS: usize = 10;
/// Characters.
const MAX_BUTTON: usize = 20;
const MAX_TITLE: usize = 24;
const MAX_DESCRIPTION: usize = 72;
const MAX_ID: usize = 200;

/// Rows of a list under one title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// There if the list has several sections.
    pub title: Option<String>,
    pub rows: Vec<Row>,
}

/// What a customer may choose from a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Returned when it is chosen.
    pub id: String,
    pub title: String,
    pub description: Option<String>,
}

/// Reads `{button, sections: [{title, rows}]}`: the text of the button that opens the list, and its sections.
pub(super) fn read(action: &Node<'_>) -> Result<(String, Vec<Section>), ContentError> {
    let mut fields = action.object()?;
    let button = fields.required_text("button", MAX_BUTTON)?;
    let list = fields.required("sections")?;
    fields.end()?;
    let nodes = list.items(1..=MAX_SECTIONS)?;
    let several = nodes.len() > 1;
    let mut sections = Vec::new();
    let mut pointers = Vec::new();
    for node in nodes {
        let (section, rows) = Section::read(&node, several)?;
        pointers.extend(rows);
        sections.push(section);
    }
    if pointers.len() > MAX_ROWS {
        let message = format!("has {} rows in all sections; at most {MAX_ROWS} are allowed", pointers.len());
        return Err(list.invalid(message));
    }
    let ids = sections.iter().flat_map(|section| &section.rows).map(|row| &row.id);
    all_different(ids, |index| pointers.get(index).map(|row| format!("{row}/id")).unwrap_or_default())?;
    Ok((button, sections))
}

impl Section {
    /// A section, and where its rows are.
    fn read(node: &Node<'_>, needs_title: bool) -> Result<(Self, Vec<String>), ContentError> {
        let mut fields = node.object()?;
        let title = read_title(&mut fields, needs_title)?;
        let nodes = fields.required("rows")?.items(1..=usize::MAX)?;
        fields.end()?;
        let rows = nodes.iter().map(Row::read).collect::<Result<_, _>>()?;
        Ok((Self { title, rows }, nodes.iter().map(|node| node.pointer().to_owned()).collect()))
    }

    fn to_meta(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(Row::to_meta).collect();
        let mut section = Map::from_iter([("rows".to_owned(), json!(rows))]);
        section.extend(self.title.as_ref().map(|title| ("title".to_owned(), json!(title))));
        Value::Object(section)
    }
}

/// The title of a section of rows or products.
pub(super) fn read_title(
    fields: &mut crate::content::reader::Fields<'_>,
    required: bool,
) -> Result<Option<String>, ContentError> {
    if required { fields.required_text("title", MAX_TITLE).map(Some) } else { fields.optional_text("title", MAX_TITLE) }
}

impl Row {
    fn read(node: &Node<'_>) -> Result<Self, ContentError> {
        let mut fields = node.object()?;
        let row = Self {
            id: fields.required_text("id", MAX_ID)?,
            title: fields.required_text("title", MAX_TITLE)?,
            description: fields.optional_text("description", MAX_DESCRIPTION)?,
        };
        fields.end()?;
        Ok(row)
    }

    fn to_meta(&self) -> Value {
        let mut row = Map::from_iter([("id".to_owned(), json!(self.id)), ("title".to_owned(), json!(self.title))]);
        row.extend(self.description.as_ref().map(|text| ("description".to_owned(), json!(text))));
        Value::Object(row)
    }
}

pub(super) fn to_meta(button: &str, sections: &[Section]) -> Value {
    let sections: Vec<Value> = sections.iter().map(Section::to_meta).collect();
    json!({"button": button, "sections": sections})
}
