use phonenumber::PhoneNumber;
use phonenumber::country::Id;
use phonenumber::metadata::{DATABASE, Metadata};

/// A country by its numbering plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhoneCountry(Id);

impl PhoneCountry {
    /// The country of a number with its country's code.
    #[must_use]
    pub fn of_number(number: &str) -> Option<Self> {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let number = phonenumber::parse(None, format!("+{digits}")).ok()?;
        let main = || {
            let plans = DATABASE.by_code(&number.code().value())?;
            let main = plans.iter().find(|plan| plan.is_main_country_for_code()).or(plans.first())?;
            main.id().parse().ok()
        };
        number.country().id().or_else(main).map(Self)
    }

    /// The digits of E.164 of a number without its country's code, if the country has such a number.
    pub(super) fn with_code(self, national: &str) -> Option<String> {
        let plan = DATABASE.by_id(self.0.as_ref())?;
        if is_assigned(plan, national) {
            return Some(format!("{}{national}", plan.country_code()));
        }
        phonenumber::parse(Some(self.0), national).ok().filter(PhoneNumber::is_valid).map(|number| digits_of(&number))
    }

    /// The digits of E.164 that the beginning of a number means: as it is, and without the prefix that is dialled before it.
    pub(super) fn beginnings(self, national: &str) -> impl Iterator<Item = String> + use<> {
        let code = DATABASE.by_id(self.0.as_ref()).map(Metadata::country_code);
        let dialled = phonenumber::parse(Some(self.0), national).ok().map(|number| digits_of(&number));
        code.map(|code| format!("{code}{national}")).into_iter().chain(dialled)
    }
}

fn digits_of(number: &PhoneNumber) -> String {
    format!("{}{}", number.code().value(), number.national())
}

/// Whether a plan knows numbers of this form, without the country's code.
pub(super) fn is_possible(plan: &Metadata, national: &str) -> bool {
    let form = plan.descriptors().general().national_number();
    is_assigned(plan, national) || form.find(national).is_some_and(|found| found.range() == (0..national.len()))
}

/// Whether a plan gives such a number (without its country's code) to people or businesses. `PhoneNumber::is_valid` cannot be used for
/// a number that begins like its country's prefix: parsing takes the 8 from Russian numbers such as 812 345 67 89.
pub(super) fn is_assigned(plan: &Metadata, national: &str) -> bool {
    let kinds = plan.descriptors();
    let kinds = [kinds.fixed_line(), kinds.mobile(), kinds.voip(), kinds.toll_free(), kinds.uan(), kinds.shared_cost()];
    kinds.into_iter().flatten().any(|kind| kind.is_match(national))
}
