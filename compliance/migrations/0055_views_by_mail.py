"""Saved views are mailed; the choices of a state are no constraint, so only the new table is written."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compliance', '0054_factor_rule'),
    ]

    operations = [
        migrations.AlterField(
            model_name='delivery',
            name='state',
            field=models.CharField(choices=[('waiting', 'Waiting'), ('sent', 'Sent'), ('failed', 'Given up'), ('dropped', 'Not sent: nobody there is to hear of it any more'), ('joined', 'Sent with others in one message'), ('nothing', 'Not sent: there was nothing to tell')], default='waiting', max_length=16),
        ),
        migrations.CreateModel(
            name='ViewMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80)),
                ('since', models.DateTimeField()),
                ('told_at', models.DateTimeField(blank=True, null=True)),
                ('told_count', models.PositiveIntegerField(default=0)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='view_mails', to='compliance.channel')),
                ('view', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='mails', to='compliance.savedview')),
            ],
            options={
                'ordering': ['name', 'id'],
                'constraints': [models.UniqueConstraint(fields=('channel', 'view'), name='view_mail_once')],
            },
        ),
    ]
