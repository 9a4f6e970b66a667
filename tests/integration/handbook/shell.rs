//! The commands that examples consist of.

use std::collections::BTreeMap;

/// The variables that a session knows.
pub(super) type Variables = BTreeMap<String, String>;

#[derive(Debug, PartialEq)]
pub(super) enum Command {
    Curl(Curl),
    Parley(Vec<String>),
    /// A variable gets a value.
    Assign(String, String),
    /// A variable gets the signature of a body under the app secret.
    Sign(String, String),
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Curl {
    pub(super) method: Option<String>,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<String>,
    /// Prints the status instead of the body.
    pub(super) prints_status: bool,
}

/// A form with a file, in place of one that a page's reader has.
const FORM: &str = "--limit\r\ncontent-disposition: form-data; name=\"file\"; filename=\"invoice.txt\"\r\n\
                    content-type: text/plain\r\n\r\nInvoice\r\n--limit--\r\n";

/// How a page signs a body in a shell; the test computes the same itself.
const SIGN: &str = r#"$(printf %s "$body" | openssl dgst -sha256 -hmac "$APP_SECRET" -r | cut -d' ' -f1)"#;

impl Command {
    pub(super) fn parse(line: &str, variables: &Variables) -> Self {
        let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
        if let Some((name, value)) = line.split_once('=').filter(|(name, _)| is_name(name)) {
            if value == SIGN {
                let body = variables.get("body").expect("the body is assigned before");
                return Self::Sign(name.to_owned(), body.clone());
            }
            assert!(!value.starts_with("$("), "no test support for the command: {value}");
            return Self::Assign(name.to_owned(), words(value, variables).concat());
        }
        let words = words(line, variables);
        match words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
            Some(("curl", arguments)) => Self::Curl(Curl::parse(arguments)),
            Some(("parley", arguments)) => Self::Parley(arguments.to_vec()),
            _ => panic!("no test support for the command: {line}"),
        }
    }
}

impl Curl {
    fn parse(arguments: &[String]) -> Self {
        let (mut curl, mut arguments) = (Self::default(), arguments.iter());
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} has no value"));
            match argument.as_str() {
                "-s" => {}
                "-X" => curl.method = Some(value().clone()),
                "-d" => curl.body = Some(value().clone()),
                "-H" => {
                    let (name, content) = value().split_once(": ").expect("a header has a name and a value");
                    curl.headers.push((name.to_lowercase(), content.to_owned()));
                }
                "-F" => {
                    assert!(value().starts_with("file=@"), "no test support for other fields of forms");
                    curl.headers.push(("content-type".to_owned(), "multipart/form-data; boundary=limit".to_owned()));
                    curl.body = Some(FORM.to_owned());
                }
                "-o" => assert_eq!(value(), "/dev/null"),
                "-w" => {
                    assert_eq!(value(), "%{http_code}\\n");
                    curl.prints_status = true;
                }
                url if !url.starts_with('-') => url.clone_into(&mut curl.url),
                option => panic!("no test support for curl's option {option}"),
            }
        }
        curl
    }
}

/// Splits a line as a shell does: quotes, and `$NAME` outside of single quotes.
fn words(line: &str, variables: &Variables) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None | Some('"'), '$') => {
                let mut name = String::new();
                while let Some(c) = rest.next_if(|c| c.is_ascii_alphabetic() || *c == '_') {
                    name.push(c);
                }
                let value = variables.get(&name).unwrap_or_else(|| panic!("${name} is not declared: {line}"));
                word.get_or_insert_default().push_str(value);
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    assert_eq!(quote, None, "a quote is not closed: {line}");
    words.extend(word);
    words
}

#[test]
fn commands_are_parsed_like_a_shell_does() {
    let variables = Variables::from([("TOKEN".to_owned(), "abc".to_owned()), ("body".to_owned(), "{}".to_owned())]);
    let line = r#"curl -s 'http://x/?a=1'   -H "Authorization: Bearer $TOKEN" -d '{"a": "$b"}'"#;
    let expected = Curl {
        url: "http://x/?a=1".to_owned(),
        headers: vec![("authorization".to_owned(), "Bearer abc".to_owned())],
        body: Some(r#"{"a": "$b"}"#.to_owned()),
        ..Curl::default()
    };
    assert_eq!(Command::parse(line, &variables), Command::Curl(expected));
    let sign = format!("signature={SIGN}");
    assert_eq!(Command::parse(&sign, &variables), Command::Sign("signature".to_owned(), "{}".to_owned()));
    assert_eq!(Command::parse("a='b c'", &variables), Command::Assign("a".to_owned(), "b c".to_owned()));
}

#[test]
#[should_panic(expected = "$KEY is not declared")]
fn undeclared_placeholder_is_refused() {
    Command::parse("curl -s http://x -H \"Authorization: Bearer $KEY\"", &Variables::new());
}
