-- What a person drafted goes with their account.
GRANT DELETE ON control.mail_drafts TO :app_role;
