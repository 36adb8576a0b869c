from importlib import import_module

from django.db import migrations, models

# Made beside the work going on: the tables may be large.
AddIndex = import_module("instances.migrations.0007_walks").AddIndex


class Migration(migrations.Migration):
    """Lists by health, and of what is disabled."""

    atomic = False

    dependencies = [('instances', '0015_pushed')]

    operations = [
        AddIndex(
            model_name='health',
            index=models.Index(fields=['organization', 'state', '-instance'], name='health_newest'),
        ),
        AddIndex(
            model_name='instance',
            index=models.Index(condition=models.Q(('is_disabled', True), ('status', 'active')), fields=['organization', '-id'], name='instance_disabled'),
        ),
    ]
