/** Cleo's links came to harm on the way. */
export async function cleo(look) {
  await look.go("/c/abc", 404);
  await look.see("incomplete", "This link is incomplete");
  await look.go("/lists/nowhere", 404);
  await look.see("no-list", "There is no such newsletter");
  await look.go("/nowhere", 404);
  await look.see("not-found", "There is nothing here");
}
