"""Two more things that people do have a name in the audit trail: a scan cancelled, a shared view deleted."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compliance', '0062_declared_bases'),
    ]

    operations = [
        migrations.AlterField(
            model_name='auditevent',
            name='action',
            field=models.CharField(choices=[('added', 'Added'), ('changed', 'Changed'), ('removed', 'Removed'), ('known', 'Was there when the trail began'), ('login', 'Logged in'), ('login_failed', 'Login failed'), ('logout', 'Logged out'), ('sessions_ended', 'Sessions ended'), ('password_set', 'Password set'), ('link_made', 'Link to set a password made'), ('exported', 'Exported'), ('secret_changed', 'Secret changed'), ('secret_shown', 'Secret shown'), ('secret_rotated', 'Secret rotated'), ('passkey_added', 'Passkey added'), ('passkey_renamed', 'Passkey renamed'), ('passkey_removed', 'Passkey removed'), ('passkey_used', 'Passkey used'), ('factor_added', 'Second factor turned on'), ('factor_removed', 'Second factor turned off'), ('factor_reset', 'Second factor reset'), ('codes_made', 'Recovery codes made'), ('code_used', 'Recovery code used'), ('identity_added', 'Single sign-on connected'), ('identity_removed', 'Single sign-on disconnected'), ('role_kept', 'Last administrator kept'), ('keys_rotated', 'Credential keys rotated'), ('scan_cancelled', 'Scan cancelled'), ('view_deleted', 'Shared view deleted')], max_length=32),
        ),
    ]
