//! Who may pass at the operators' doors.

use super::refusal::Refusal;
use super::request::Request;
use crate::app::App;
use crate::consent::list::List;
use crate::consent::notice::Notice;
use crate::consent::operator::{Operator, Right};

/// An operator who may do what the door does, and the list that it is done to.
pub struct Entered {
    pub operator: Operator,
    pub list: List,
    /// The list's current one.
    pub notice: Notice,
}

/// In whose name a program comes (RFC 6750): `NoToken`, or `UnknownToken` where it is nobody's or has expired.
pub async fn bearer(app: &App, request: &Request) -> Result<Operator, Refusal> {
    let token = request.bearer().ok_or(Refusal::NoToken)?;
    app.store.bearer_of(token, app.clock.now()).await?.ok_or(Refusal::UnknownToken)
}

/// Lets an operator through to a list. Whoever may not is not told whether there is such a list.
pub async fn enter(app: &App, operator: Operator, right: Right, slug: &str) -> Result<Entered, Refusal> {
    match app.store.find_list(slug).await? {
        Some((list, notice)) if operator.may(right, list.number) => Ok(Entered { operator, list, notice }),
        None if operator.may_everywhere(right) => Err(Refusal::UnknownList),
        _ => Err(Refusal::Forbidden),
    }
}

/// As [`enter`], for what belongs to no list, or to all.
pub fn everywhere(operator: Operator, right: Right) -> Result<Operator, Refusal> {
    if operator.may_everywhere(right) { Ok(operator) } else { Err(Refusal::Forbidden) }
}
