from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class AddIndex(AddIndexConcurrently):
    """On PostgreSQL while others write, which takes longer; what an earlier run left is replaced."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute("SET statement_timeout = 0")
            schema_editor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{self.index.name}"')
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.AddIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    """Every list has indexes that end in its order."""

    # What is made beside the work going on cannot be made in a transaction.
    atomic = False

    dependencies = [('instances', '0006_fewer_indexes')]

    operations = [
        AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(('verdict', 'open')), fields=['-id'], name='finding_open'),
        ),
        AddIndex(
            model_name='instance',
            index=models.Index(fields=['organization', 'status', '-id'], name='instance_by_status'),
        ),
        AddIndex(
            model_name='instance',
            index=models.Index(fields=['organization', 'element_key', '-id'], name='instance_by_element'),
        ),
        AddIndex(
            model_name='instance',
            index=models.Index(fields=['organization', 'environment', '-id'], name='instance_by_environment'),
        ),
        AddIndex(
            model_name='operation',
            index=models.Index(fields=['organization', '-id'], name='operation_newest'),
        ),
        AddIndex(
            model_name='operation',
            index=models.Index(condition=models.Q(('state', 'needs_person')), fields=['organization', '-id'], name='operation_waiting_newest'),
        ),
        AddIndex(
            model_name='operation',
            index=models.Index(condition=models.Q(('state', 'needs_person')), fields=['-id'], name='operation_waiting'),
        ),
        AddIndex(
            model_name='share',
            index=models.Index(fields=['user', '-instance'], name='share_by_person'),
        ),
        AddIndex(
            model_name='share',
            index=models.Index(fields=['team', '-instance'], name='share_by_team'),
        ),
    ]
